using Lanyard.Engine.Packets;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Tests;

/// <summary>The batch of datagrams, which is filled under the lock, and sealed and sent after the lock is released.</summary>
public sealed class SendBatchTests : IDisposable
{
    private const int Headroom = PacketFormat.HeaderBytes;
    private static readonly InetEndpoint To = InetEndpoint.Parse("192.0.2.1:9993");
    private static readonly InetEndpoint Other = InetEndpoint.Parse("192.0.2.2:9993");
    private readonly SessionKey _key = new(new byte[SessionKey.SecretBytes]);

    [Theory]
    [InlineData(100, 1)]
    [InlineData(2_800, 2)]
    [InlineData(9_000, 7)]
    public void A_packet_in_the_room_is_sealed_and_divided_where_it_lies(int payloadBytes, int datagrams)
    {
        var batch = new SendBatch(256 * 1024);
        Assert.True(batch.TryTakeRoom(Headroom + payloadBytes + PacketSplitter.MaxAddedBytes, out var start));
        Assert.True(batch.TryAdd(To, Build(batch, start, payloadBytes), isExtensible: true));
        batch.Seal();
        var group = Assert.Single(batch.Groups.ToArray());
        Assert.Equal(start, group.Offset);
        Assert.Equal(datagrams, group.Datagrams);
        AssertOpens(batch, group, payloadBytes);
    }

    [Fact]
    public void A_packet_of_another_buffer_is_copied()
    {
        var batch = new SendBatch(256 * 1024);
        var other = new SendBatch(256 * 1024);
        Assert.True(other.TryTakeRoom(Headroom + 500 + PacketSplitter.MaxAddedBytes, out var start));
        Assert.True(batch.TryAdd(To, Build(other, start, 500), isExtensible: true));
        batch.Seal();
        AssertOpens(batch, batch.Groups[0], 500);
        Assert.False(_key.TryDearmor(other.Bytes.AsSpan(start, Headroom + 500)), "The other batch was sealed.");
    }

    [Fact]
    public void Datagrams_that_are_sent_while_a_packet_is_built_lie_behind_its_room()
    {
        var batch = new SendBatch(256 * 1024);
        Assert.True(batch.TryTakeRoom(Headroom + 1_000 + PacketSplitter.MaxAddedBytes, out var start));
        var packet = Build(batch, start, 1_000);
        Assert.True(batch.TryAdd(Other, "first"u8, isExtensible: true));
        Assert.True(batch.TryAdd(Other, "second"u8, isExtensible: true));
        Assert.True(batch.TryAdd(To, packet, isExtensible: true));
        batch.Seal();
        Assert.Equal([Other, Other, To], batch.Groups.ToArray().Select(group => group.Destination));
        AssertOpens(batch, batch.Groups[2], 1_000);
        Assert.Equal("first"u8.ToArray(), batch.Bytes.AsSpan(batch.Groups[0].Offset, 5).ToArray());
    }

    [Fact]
    public void A_packet_that_is_being_built_survives_that_the_batch_is_sent()
    {
        var batch = new SendBatch(256 * 1024);
        Assert.True(batch.TryTakeRoom(Headroom + 1_000 + PacketSplitter.MaxAddedBytes, out var start));
        var packet = Build(batch, start, 1_000);
        while (batch.TryAdd(Other, new byte[9_000], isExtensible: false))
        {
            // Until it is full.
        }

        batch.Clear(keepsRoom: true);
        Assert.True(batch.TryAdd(Other, new byte[9_000], isExtensible: false));
        Assert.True(batch.TryAdd(To, packet, isExtensible: true));
        batch.Seal();
        AssertOpens(batch, batch.Groups[1], 1_000);
    }

    [Fact]
    public void Packets_of_one_length_to_one_destination_are_one_group()
    {
        var batch = new SendBatch(256 * 1024);
        for (var i = 0; i < 10; i++)
        {
            Assert.True(batch.TryTakeRoom(Headroom + 2_700 + PacketSplitter.MaxAddedBytes, out var start));
            Assert.True(batch.TryAdd(To, Build(batch, start, 2_700), isExtensible: true));
        }

        var group = Assert.Single(batch.Groups.ToArray());
        Assert.Equal(20, group.Datagrams);
    }

    [Fact]
    public void Batches_that_two_threads_send_keep_their_order()
    {
        using var sender = DatagramSocket.Bind(new(System.Net.IPAddress.Loopback, 0), batch: true);
        using var receiver = DatagramSocket.Bind(new(System.Net.IPAddress.Loopback, 0), batch: true);
        const int rounds = 2_000;
        var gate = new Lock();
        var next = 0;
        void Send()
        {
            while (true)
            {
                lock (gate)
                {
                    if (next == rounds)
                        return;
                    sender.Send(receiver.LocalEndpoint, BitConverter.GetBytes(next++));
                    sender.BeginFlush();
                }

                sender.EndFlush();
            }
        }

        var threads = new[] { new Thread(Send), new Thread(Send) };
        Array.ForEach(threads, thread => thread.Start());
        var batch = receiver.CreateBatch();
        for (var expected = 0; expected < rounds;)
        {
            receiver.Receive(batch);
            for (var i = 0; i < batch.Count; i++)
            {
                for (var run = batch.Run(i); !run.IsEmpty; run = run[sizeof(int)..])
                    Assert.Equal(expected++, BitConverter.ToInt32(run));
            }
        }

        Array.ForEach(threads, thread => thread.Join());
    }

    public void Dispose() => _key.Dispose();

    // Writes a packet with a payload into the room.
    private UnsealedPacket Build(SendBatch batch, int start, int payloadBytes)
    {
        for (var i = 0; i < payloadBytes; i++)
            batch.Bytes[start + Headroom + i] = (byte)i;
        var packet = new PacketBuilder(batch.Bytes, start + Headroom, payloadBytes).Seal(1, new NodeAddress(0x1234567890), new NodeAddress(0x0987654321), Verb.Frame, 1_432);
        return new UnsealedPacket { Bytes = packet, Room = batch, RoomStart = start, Seal = new PacketSeal(_key, CipherSuite.AesGmacSiv, packet.Length, 1_432) };
    }

    private void AssertOpens(SendBatch batch, in SendBatch.Group group, int payloadBytes)
    {
        var run = batch.Bytes.AsSpan(group.Offset, group.TotalBytes);
        var packetBytes = run.Length;
        if (group.Datagrams > 1)
            Assert.True(PacketSplitter.TryJoin(run, group.DatagramBytes, out packetBytes, out _), "The datagrams do not join.");
        Assert.True(_key.TryDearmor(run[..packetBytes]), "The packet does not open.");
        Assert.Equal(Enumerable.Range(0, payloadBytes).Select(i => (byte)i), run[Headroom..packetBytes].ToArray());
    }
}
