using Lanyard.Engine.Packets;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Tests.Harness;
using Lanyard.Primitives;
using Lanyard.Tests.Shared;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Tests.Parts;

/// <summary>The sealing of packets, and the limit of bytes to endpoints that have not answered.</summary>
public sealed class PacketSenderTests
{
    private const long Now = PeerParts.Now;
    private static readonly InetEndpoint Unproven = InetEndpoint.Parse("46.99.0.1/9993");

    [Fact]
    public void A_packet_to_an_unproven_endpoint_is_paid_for_by_the_peer_that_caused_it()
    {
        var parts = new PeerParts();
        var peer = parts.AddPeer();
        parts.Sender.Probe(Now, peer, 0, Unproven, chargedTo: peer);
        Assert.Empty(parts.TakeSent());
        Assert.Equal(1, parts.Dropped(DropReason.UnprovenEndpoint));
        peer.NoteReceivedBytes(100);
        parts.Sender.Probe(Now, peer, 0, Unproven, chargedTo: peer);
        Assert.Equal([(Unproven, Verb.Echo)], parts.TakeSent());
    }

    [Fact]
    public void A_peer_of_unknown_version_is_probed_with_HELLO()
    {
        var parts = new PeerParts();
        var peer = parts.Peers.TryCreate(parts.CreateIdentity())!;
        parts.Peers.Add(Now, peer, isNew: true);
        parts.Sender.Probe(Now, peer, 0, Unproven);
        Assert.Equal([(Unproven, Verb.Hello)], parts.TakeSent());
    }

    [Fact]
    public void A_packet_over_a_trusted_path_is_not_encrypted()
    {
        var parts = new PeerParts(options => options with { TrustedPaths = [new TrustedPath(InetPrefix.Parse("46.0.0.0/8"), 5)] });
        parts.SendMessage(parts.AddPeer());
        Assert.True(PacketView.TryParse(Assert.Single(parts.Host.Sent).Datagram, out var packet));
        Assert.Equal(CipherSuite.TrustedPath, packet.Suite);
        Assert.Equal(5UL, packet.TrustedPathId);
    }

    [Fact]
    public void Datagrams_have_the_length_that_the_path_permits()
    {
        var parts = new PeerParts(options => options with { PathMtus = [new PathMtu(InetPrefix.Parse("46.0.0.0/8"), 2_000)] });
        Assert.Equal(2_000, parts.Policy.MtuTo(InetAddress.Parse("46.1.1.1")));
        Assert.Equal(1_432, parts.Policy.MtuTo(InetAddress.Parse("47.1.1.1")));
    }

    [Fact]
    public void A_host_that_seals_packets_gets_them_unsealed()
    {
        var host = new SealingHost();
        var parts = new PeerParts(host: host);
        var peer = parts.AddPeer();
        parts.SendMessage(peer);
        var (to, bytes, seal) = Assert.Single(host.Unsealed);
        Assert.Equal(peer.Paths[0].Endpoint, to);
        Assert.Equal(1, parts.Context.Counters.DatagramsSent);
        var datagram = new byte[seal.TotalBytes];
        bytes.CopyTo(datagram, 0);
        seal.Apply(datagram);
        Assert.True(PacketForge.TryOpen(parts.Identity, peer.Identity, datagram), "The sealed packet does not open.");
    }

    [Fact]
    public void The_node_seals_requests_itself_since_their_replies_name_the_sealed_packet()
    {
        var host = new SealingHost();
        var parts = new PeerParts(host: host);
        var peer = parts.AddPeer();
        parts.Sender.Probe(Now, peer, peer.Paths[0]);
        Assert.Empty(host.Unsealed);
        Assert.True(parts.Requests.TryFind(Now, PacketHeader.GetPacketId(Assert.Single(host.Sent).Datagram), Verb.Echo, peer.Address, out _));
    }

    [Fact]
    public void A_long_packet_is_divided_by_the_host_that_seals_it()
    {
        var host = new SealingHost();
        var parts = new PeerParts(host: host);
        var peer = parts.AddPeer();
        using var buffer = parts.Context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        writer.WriteBytes(new byte[5_000]);
        parts.Router.Send(Now, peer, buffer.Complete(Verb.UserMessage, writer));
        var (_, bytes, seal) = Assert.Single(host.Unsealed);
        var run = new byte[seal.TotalBytes];
        bytes.CopyTo(run, 0);
        seal.Apply(run);
        Assert.Equal(4, parts.Context.Counters.DatagramsSent);
        Assert.True(PacketSplitter.TryJoin(run, seal.DatagramBytes, out var packetBytes, out _));
        Assert.True(PacketForge.TryOpen(parts.Identity, peer.Identity, run.AsSpan(0, packetBytes)));
    }

    /// <summary>Keeps packets unsealed.</summary>
    private sealed class SealingHost : RecordingHost, ISealingHost
    {
        public List<(InetEndpoint To, byte[] Bytes, PacketSeal Seal)> Unsealed { get; } = [];

        public void SendPacket(int localSocket, in InetEndpoint destination, in UnsealedPacket packet) => Unsealed.Add((destination, packet.Bytes.ToArray(), packet.Seal));
    }
}
