using Lanyard.Wire.Compression;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Wire.Tests.Packets;

public sealed class PacketBuilderTests
{
    private static readonly NodeAddress Destination = NodeAddress.Parse("0102030405");
    private static readonly NodeAddress Source = NodeAddress.Parse("a1a2a3a4a5");

    [Fact]
    public void Headers_go_in_front_of_a_frame_that_stays_where_it_is()
    {
        const int frameStart = 100;
        var buffer = new byte[300];
        var frame = TestData.RandomBytes(1, 60);
        frame.CopyTo(buffer.AsSpan(frameStart));

        var builder = new PacketBuilder(buffer, frameStart, frame.Length);
        var writer = new ByteWriter(builder.Prepend(FrameMessage.HeaderBytes));
        new FrameMessage { NetworkId = new NetworkId(7), EtherType = 0x0800 }.Write(ref writer);
        var packet = builder.Seal(99, Destination, Source, Verb.Frame);

        Assert.Equal(frameStart - FrameMessage.HeaderBytes - PacketFormat.HeaderBytes, builder.Start);
        Assert.True(PacketView.TryParse(packet, out var view));
        Assert.Equal((99u, Destination, Source, Verb.Frame), (view.PacketId, view.Destination, view.Source, view.Verb));
        Assert.True(FrameMessage.TryParse(view.Payload, out var message));
        Assert.Equal(new NetworkId(7), message.NetworkId);
        Assert.Equal(frame, message.Data.ToArray());
        Assert.Equal(frame, buffer[frameStart..(frameStart + frame.Length)]);
    }

    [Fact]
    public void A_message_is_appended_behind_the_header()
    {
        var builder = new PacketBuilder(new byte[200]);
        var writer = new ByteWriter(builder.Free);
        WhoisMessage.Write(ref writer, [Destination, Source]);
        builder.Append(writer.Position);

        var packet = builder.Seal(1, Destination, Source, Verb.Whois);

        Assert.Equal(PacketFormat.HeaderBytes + 10, packet.Length);
        Assert.True(PacketView.TryParse(packet, out var view));
        Assert.True(WhoisMessage.TryParse(view.Payload, out var whois));
        Assert.Equal(Source, whois.Addresses[1]);
    }

    [Fact]
    public void A_compressible_payload_is_compressed_in_place_and_marked()
    {
        var buffer = new byte[600];
        var scratch = new byte[600];
        var builder = new PacketBuilder(buffer);
        builder.Append(500);

        Assert.True(builder.TryCompress(scratch));
        Assert.False(builder.TryCompress(scratch));
        var packet = builder.Seal(1, Destination, Source, Verb.Echo);

        Assert.True(PacketView.TryParse(packet, out var view));
        Assert.True(view.IsCompressed);
        Assert.True(PayloadCompression.TryExpand(view.Payload, scratch, out var length));
        Assert.Equal(new byte[500], scratch[..length]);
    }

    [Fact]
    public void An_incompressible_payload_stays_as_it_is()
    {
        var builder = new PacketBuilder(new byte[600]);
        TestData.RandomBytes(1, 500).CopyTo(builder.Free);
        builder.Append(500);

        Assert.False(builder.TryCompress(new byte[600]));
        Assert.Equal(TestData.RandomBytes(1, 500), builder.Payload.ToArray());
        Assert.True(PacketView.TryParse(builder.Seal(1, Destination, Source, Verb.Echo), out var view));
        Assert.False(view.IsCompressed);
    }

    [Theory]
    [InlineData(1432, false)]
    [InlineData(1433, true)]
    public void A_packet_longer_than_the_paths_datagrams_is_marked_as_fragmented(int length, bool fragmented)
    {
        var builder = new PacketBuilder(new byte[2000]);
        builder.Append(length - PacketFormat.HeaderBytes);

        Assert.True(PacketView.TryParse(builder.Seal(1, Destination, Source, Verb.Frame), out var view));
        Assert.Equal(fragmented, view.IsFragmented);
    }

    [Fact]
    public void Content_that_does_not_fit_the_buffer_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new PacketBuilder(new byte[100], 27, 10));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PacketBuilder(new byte[100], 50, 51));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PacketBuilder(new byte[100]).Append(73));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PacketBuilder(new byte[100], 40, 10).Prepend(13));
    }
}
