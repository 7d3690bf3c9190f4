using Lanyard.Primitives;
using Lanyard.Tests.Shared;
using Lanyard.Wire;
using Lanyard.Wire.Compression;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Tests.Harness;

/// <summary>A peer that a test controls packet by packet, honest or hostile.</summary>
internal sealed class TestPeer(TestNode node, Identity identity, InetEndpoint endpoint)
{
    public Identity Identity => identity;

    public NodeAddress Address => identity.Address;

    public InetEndpoint Endpoint => endpoint;

    /// <summary>A packet to the node.</summary>
    public byte[] Packet(Verb verb, PacketForge.Writing write, int hops = 0) => PacketForge.Packet(identity, node.Identity, verb, write, hops);

    /// <summary>A HELLO to the node, with moons in its encrypted end.</summary>
    public byte[] Hello(InetEndpoint sentTo = default, WorldStamp[]? moons = null, int hops = 0) =>
        PacketForge.Hello(identity, node.Identity, node.NowMs, node.Planet, sentTo, moons, hops);

    /// <summary>Sends a datagram from the peer's endpoint, or another.</summary>
    public void Send(byte[] packet, InetEndpoint? from = null) => node.Receive(from ?? endpoint, packet);

    /// <summary>Makes the node know this peer, with no path that it confirms.</summary>
    public TestPeer Known()
    {
        Send(Hello());
        return this;
    }

    /// <summary>Makes the node know this peer, with a confirmed path.</summary>
    public TestPeer Met()
    {
        Send(Hello());
        AnswerAll();
        Assert.Contains(node.Node.FindPeer(node.NowMs, Address)!.Paths, p => p.Endpoint == endpoint);
        return this;
    }

    /// <summary>Returns the packets that the node sent this peer, decrypted and expanded.</summary>
    public List<(InetEndpoint To, ulong PacketId, Verb Verb, byte[] Payload)> Received()
    {
        var packets = new List<(InetEndpoint, ulong, Verb, byte[])>();
        foreach (var (to, datagram) in node.Host.Sent)
        {
            var copy = datagram.ToArray();
            if (PacketView.TryParse(copy, out var view) && view.Destination == Address && view.PacketId is var id && PacketForge.TryOpen(identity, node.Identity, copy)
                && PacketView.TryParse(copy, out var plain))
                packets.Add((to, id, plain.Verb, Expand(plain)));
        }

        return packets;
    }

    private static byte[] Expand(PacketView packet)
    {
        if (!packet.IsCompressed)
            return packet.Payload.ToArray();
        var payload = new byte[PacketFormat.MaxPayloadBytes];
        Assert.True(PayloadCompression.TryExpand(packet.Payload, payload, out var length));
        return payload[..length];
    }

    /// <summary>Answers every HELLO and ECHO that the node sent to this peer's endpoint, and clears the record.</summary>
    public void AnswerAll()
    {
        var received = Received();
        node.Host.Sent.Clear();
        foreach (var (to, id, verb, payload) in received)
        {
            if (to == endpoint && verb is Verb.Hello or Verb.Echo)
                Send(Ok(verb, id, payload));
        }
    }

    /// <summary>An OK to a HELLO or an ECHO.</summary>
    public byte[] Ok(Verb verb, ulong inRe, byte[] payload) => Packet(Verb.Ok, (ref ByteWriter writer) =>
    {
        new OkMessage { InReVerb = verb, InRePacketId = inRe, Payload = verb == Verb.Echo ? payload : default }.Write(ref writer);
        if (verb == Verb.Hello)
            new OkHelloMessage { Timestamp = node.NowMs, Version = new NodeVersion(12, 1, 14, 1), SentTo = TestNode.Endpoint }.Write(ref writer);
    });
}
