using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Wire.Tests.Packets;

public sealed class PacketHeaderTests
{
    private static readonly NodeAddress Destination = NodeAddress.Parse("0102030405");
    private static readonly NodeAddress Source = NodeAddress.Parse("a1a2a3a4a5");

    [Fact]
    public void A_header_has_its_fields_where_the_protocol_has_them()
    {
        var packet = new byte[30];

        PacketHeader.Write(packet, 0x1122334455667788, Destination, Source, Verb.Frame, compressed: true);

        Assert.Equal("1122334455667788 0102030405 a1a2a3a4a5 00 0000000000000000 86 0000".Replace(" ", "", StringComparison.Ordinal), TestData.ToHex(packet));
        Assert.True(PacketView.TryParse(packet, out var view));
        Assert.Equal(0x1122334455667788u, view.PacketId);
        Assert.Equal(Destination, view.Destination);
        Assert.Equal(Source, view.Source);
        Assert.Equal(Verb.Frame, view.Verb);
        Assert.True(view.IsCompressed);
        Assert.Equal(2, view.Payload.Length);
    }

    [Theory]
    [InlineData(CipherSuite.Poly1305, 0x00)]
    [InlineData(CipherSuite.Salsa2012Poly1305, 0x88)]
    [InlineData(CipherSuite.TrustedPath, 0x10)]
    [InlineData(CipherSuite.AesGmacSiv, 0x18)]
    public void The_suite_is_in_the_flags_and_suite_1_also_sets_the_flag_that_old_nodes_look_at(CipherSuite suite, int flags)
    {
        var packet = NewPacket();

        PacketHeader.SetSuite(packet, CipherSuite.Salsa2012Poly1305);
        PacketHeader.SetSuite(packet, suite);

        Assert.Equal(flags, packet[18]);
        Assert.True(PacketView.TryParse(packet, out var view));
        Assert.Equal(suite, view.Suite);
    }

    [Fact]
    public void Hops_count_up_to_the_limit_and_change_nothing_else()
    {
        var packet = NewPacket();
        PacketHeader.SetSuite(packet, CipherSuite.AesGmacSiv);
        PacketHeader.SetFragmented(packet, true);
        var others = packet[18] & 0xf8;

        Assert.True(PacketHeader.TryIncrementHops(packet, 2));
        Assert.True(PacketHeader.TryIncrementHops(packet, 2));
        Assert.False(PacketHeader.TryIncrementHops(packet, 2));

        Assert.Equal(others | 2, packet[18]);
        for (var i = 2; i < PacketFormat.MaxHops; i++)
            Assert.True(PacketHeader.TryIncrementHops(packet, 100));
        Assert.False(PacketHeader.TryIncrementHops(packet, 100));
        Assert.Equal(others | 7, packet[18]);
    }

    [Fact]
    public void The_fragmented_flag_can_be_set_and_cleared()
    {
        var packet = NewPacket();

        PacketHeader.SetFragmented(packet, true);
        Assert.Equal(0x40, packet[18]);
        PacketHeader.SetFragmented(packet, false);
        Assert.Equal(0, packet[18]);
    }

    [Fact]
    public void A_trusted_paths_number_is_where_the_code_would_be()
    {
        var packet = NewPacket();

        PacketHeader.SetTrustedPath(packet, 0x0102030405060708);

        Assert.True(PacketView.TryParse(packet, out var view));
        Assert.Equal(CipherSuite.TrustedPath, view.Suite);
        Assert.Equal(0x0102030405060708u, view.TrustedPathId);
        Assert.Equal(1, packet[19]);
    }

    [Fact]
    public void Too_few_or_too_many_bytes_are_no_packet()
    {
        Assert.False(PacketView.TryParse(new byte[27], out _));
        Assert.True(PacketView.TryParse(new byte[28], out _));
        Assert.True(PacketView.TryParse(new byte[10_024], out _));
        Assert.False(PacketView.TryParse(new byte[10_025], out _));
    }

    [Theory]
    [InlineData(0, DatagramKind.HolePunch)]
    [InlineData(4, DatagramKind.HolePunch)]
    [InlineData(13, DatagramKind.Beacon)]
    [InlineData(16, DatagramKind.HolePunch)]
    [InlineData(17, DatagramKind.Invalid)]
    [InlineData(27, DatagramKind.Invalid)]
    [InlineData(28, DatagramKind.Packet)]
    [InlineData(1432, DatagramKind.Packet)]
    [InlineData(20_000, DatagramKind.Invalid)]
    public void A_datagram_is_sorted_by_its_length(int length, DatagramKind kind) => Assert.Equal(kind, Datagram.Classify(new byte[length]));

    [Theory]
    [InlineData(0x21, 17, DatagramKind.Fragment)]
    [InlineData(0x76, 17, DatagramKind.Fragment)]
    [InlineData(0x21, 16, DatagramKind.HolePunch)]
    [InlineData(0x20, 100, DatagramKind.Invalid)]
    [InlineData(0x22, 100, DatagramKind.Invalid)]
    [InlineData(0x11, 100, DatagramKind.Invalid)]
    [InlineData(0x81, 100, DatagramKind.Invalid)]
    public void A_fragment_is_known_by_its_mark_and_needs_possible_numbers(int numbers, int length, DatagramKind kind)
    {
        var datagram = new byte[length];
        datagram[13] = 0xff;
        datagram[14] = (byte)numbers;

        Assert.Equal(kind, Datagram.Classify(datagram));
    }

    [Fact]
    public void A_beacon_contains_its_sender()
    {
        var beacon = new byte[13];
        Source.Write(beacon.AsSpan(8));

        Assert.Equal(Source, Datagram.BeaconSender(beacon));
    }

    [Fact]
    public void Hello_and_measurements_travel_in_the_clear_and_all_else_as_the_peer_understands()
    {
        foreach (var verb in Enum.GetValues<Verb>())
        {
            var clear = verb is Verb.Hello or Verb.Ack or Verb.QosMeasurement or Verb.PathNegotiationRequest;
            Assert.Equal(clear ? CipherSuite.Poly1305 : CipherSuite.Salsa2012Poly1305, CipherSuites.For(verb, 0));
            Assert.Equal(clear ? CipherSuite.Poly1305 : CipherSuite.Salsa2012Poly1305, CipherSuites.For(verb, 11));
            Assert.Equal(clear ? CipherSuite.Poly1305 : CipherSuite.AesGmacSiv, CipherSuites.For(verb, 12));
        }
    }

    private static byte[] NewPacket()
    {
        var packet = new byte[40];
        PacketHeader.Write(packet, 1, Destination, Source, Verb.Echo);
        return packet;
    }
}
