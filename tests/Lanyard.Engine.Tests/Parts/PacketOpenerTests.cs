using Lanyard.Engine.Packets;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Tests.Harness;
using Lanyard.Tests.Shared;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Tests.Parts;

/// <summary>Decrypting packets without the node's lock.</summary>
public sealed class PacketOpenerTests
{
    private readonly PeerParts _parts = new();
    private readonly OpenedPackets _opened = new();
    private readonly PacketOpener _opener;
    private readonly Peer _peer;
    private readonly Identity _sender;

    public PacketOpenerTests()
    {
        _opener = new PacketOpener(_parts.Identity.Address, _parts.Peers.Keys);
        _sender = _parts.CreateIdentity();
        _peer = _parts.Peers.TryCreate(_sender)!;
        _parts.Peers.Add(PeerParts.Now, _peer, isNew: true);
    }

    [Theory]
    [InlineData(CipherSuite.AesGmacSiv)]
    [InlineData(CipherSuite.Salsa2012Poly1305)]
    public void A_packet_of_a_known_peer_is_decrypted_where_it_lies(CipherSuite suite)
    {
        var packet = Message("hello", suite);
        var part = Open(packet);
        Assert.Equal(OpenResult.Opened, part.Result);
        Assert.Same(_peer.Key, part.Key);
        Assert.True(PacketView.TryParse(packet, out var plain));
        Assert.Equal("hello"u8.ToArray(), plain.Payload.ToArray());
    }

    [Fact]
    public void A_packet_that_was_changed_is_refused()
    {
        var packet = Message("hello");
        packet[^1] ^= 1;
        Assert.Equal(OpenResult.Refused, Open(packet).Result);
    }

    [Fact]
    public void A_packet_of_an_unknown_sender_is_left_as_it_is()
    {
        _parts.Peers.Remove(_peer);
        var packet = Message("hello");
        var copy = packet.ToArray();
        Assert.Equal(OpenResult.None, Open(packet).Result);
        Assert.Equal(copy, packet);
    }

    [Fact]
    public void A_packet_for_another_node_is_left_as_it_is()
    {
        var packet = PacketForge.Packet(_sender, _parts.CreateIdentity(), Verb.UserMessage, static (ref ByteWriter writer) => writer.WriteUInt64(1));
        Assert.Equal(OpenResult.None, Open(packet).Result);
    }

    [Fact]
    public void A_HELLO_is_left_to_the_node()
    {
        using var key = _parts.CreateWorldKey();
        var planet = _parts.CreateWorld(WorldType.Planet, 1, 1, key, _parts.CreateIdentity());
        Assert.Equal(OpenResult.None, Open(PacketForge.Hello(_sender, _parts.Identity, PeerParts.Now, planet)).Result);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(13)]
    [InlineData(16)]
    public void A_datagram_that_is_no_packet_is_left_as_it_is(int length) => Assert.Equal(OpenResult.None, Open(new byte[length]).Result);

    [Fact]
    public void The_fragments_of_a_packet_are_joined_and_opened()
    {
        var (run, datagramBytes) = Fragments(5_000);
        _opener.Open(run, datagramBytes, _opened);
        var part = Assert.Single(_opened.Parts.ToArray());
        Assert.Equal(OpenResult.Opened, part.Result);
        Assert.Equal(run.Length, part.DatagramBytes);
        Assert.Equal(PacketFormat.HeaderBytes + 5_000, part.PacketBytes);
    }

    [Fact]
    public void The_fragments_of_an_unknown_sender_s_packet_are_joined_only()
    {
        var (run, datagramBytes) = Fragments(5_000);
        _parts.Peers.Remove(_peer);
        _opener.Open(run, datagramBytes, _opened);
        Assert.Equal(OpenResult.Joined, Assert.Single(_opened.Parts.ToArray()).Result);
    }

    [Fact]
    public void An_incomplete_packet_s_fragments_are_left_as_they_are()
    {
        var (run, datagramBytes) = Fragments(5_000);
        _opener.Open(run.AsSpan(0, 2 * datagramBytes), datagramBytes, _opened);
        Assert.Equal([OpenResult.None, OpenResult.None], _opened.Parts.ToArray().Select(part => part.Result));
    }

    [Fact]
    public void The_parts_of_a_run_are_in_order_and_cover_it()
    {
        var first = Message("first");
        var run = new byte[(3 * first.Length) - 1];
        first.CopyTo(run, 0);
        Message("secnd").CopyTo(run, first.Length);
        Message("four").CopyTo(run, 2 * first.Length);
        _opener.Open(run, first.Length, _opened);
        Assert.Equal([0, first.Length, 2 * first.Length], _opened.Parts.ToArray().Select(part => part.Start));
        Assert.Equal(run.Length, _opened.Parts.ToArray().Sum(part => part.DatagramBytes));
        Assert.All(_opened.Parts.ToArray(), part => Assert.Equal(OpenResult.Opened, part.Result));
    }

    [Fact]
    public void An_opened_packet_is_dropped_if_its_sender_s_address_has_another_key_by_then()
    {
        var node = new TestNode().Online();
        var peer = node.NewPeer().Met();
        var packet = peer.Packet(Verb.UserMessage, static (ref ByteWriter writer) => writer.WriteUInt64(65_536));
        node.Node.Open(packet, packet.Length, _opened);
        Assert.Equal(OpenResult.Opened, Assert.Single(_opened.Parts.ToArray()).Result);
        _opened.Clear();
        _opened.Add(new OpenedPacket(0, packet.Length, packet.Length, OpenResult.Opened, _peer.Key));
        node.Node.Receive(node.NowMs, 0, peer.Endpoint, packet, packet.Length, _opened);
        Assert.Equal(1, node.Node.Counters.Dropped(DropReason.BadMac));
        Assert.Empty(node.Host.Messages);
    }

    [Fact]
    public async Task Two_threads_open_packets_while_peers_come_and_go()
    {
        var end = DateTime.UtcNow.AddMilliseconds(300);
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            var opened = new OpenedPackets();
            for (var i = 0; DateTime.UtcNow < end; i++)
            {
                var packet = Message("hello", CipherSuite.AesGmacSiv);
                _opener.Open(packet, packet.Length, opened);
                Assert.NotEqual(OpenResult.Refused, opened.Parts[0].Result);
            }
        })).ToArray();
        while (DateTime.UtcNow < end)
        {
            _parts.Peers.Remove(_peer);
            _parts.Peers.Add(PeerParts.Now, _peer, isNew: false);
        }

        await Task.WhenAll(readers);
    }

    private OpenedPacket Open(byte[] datagram)
    {
        _opener.Open(datagram, datagram.Length, _opened);
        return Assert.Single(_opened.Parts.ToArray());
    }

    private byte[] Message(string text, CipherSuite suite = CipherSuite.Salsa2012Poly1305) => PacketForge.Packet(
        _sender, _parts.Identity, Verb.UserMessage, (ref ByteWriter writer) => writer.WriteBytes(System.Text.Encoding.ASCII.GetBytes(text)), suite: suite);

    private (byte[] Run, int DatagramBytes) Fragments(int payloadBytes)
    {
        var buffer = new byte[PacketFormat.MaxPacketBytes];
        var packet = new PacketBuilder(buffer, PacketFormat.HeaderBytes, payloadBytes).Seal(1, _parts.Identity.Address, _sender.Address, Verb.UserMessage, 1_432);
        PacketForge.Key(_sender, _parts.Identity).Armor(packet, CipherSuite.AesGmacSiv);
        var total = PacketSplitter.Split(buffer, packet.Length, 1_432, out var datagramBytes);
        return (buffer[..total], datagramBytes);
    }
}
