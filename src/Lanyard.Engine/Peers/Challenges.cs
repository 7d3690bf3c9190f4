using System.Diagnostics.CodeAnalysis;
using Lanyard.Engine.Packets;
using Lanyard.Primitives;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Peers;

/// <summary>
/// Pending challenges to strangers with an authentic HELLO: the node answers the HELLO and sends an ECHO to its source. Only a sender that receives there can answer,
/// so the OK proves that the source was not forged. When the table is full, the oldest challenge is dropped.
/// </summary>
internal sealed class Challenges(PacketSender sender, OutstandingRequests requests)
{
    private const int Capacity = 1_024;
    private const long RepeatMs = 200;
    private const int MaxAnswerBytes = PacketFormat.HeaderBytes + OkMessage.HeaderBytes + 64;

    private readonly Dictionary<NodeAddress, Challenge> _challenges = [];
    private readonly Queue<NodeAddress> _order = new();

    /// <summary>Adds a challenge to the sender of an authentic HELLO. The answer to the HELLO also probes its unconfirmed endpoint with an ECHO.</summary>
    public void Add(long nowMs, Peer candidate, IdentityCheck check)
    {
        if (!_challenges.Remove(check.Identity.Address))
            _order.Enqueue(check.Identity.Address);
        if (_order.Count > Capacity)
            _challenges.Remove(_order.Dequeue());
        _challenges[check.Identity.Address] = new Challenge(candidate, check.LocalSocket, check.Endpoint, nowMs);
    }

    /// <summary>Whether a challenge to this node at this endpoint is pending.</summary>
    public bool Contains(NodeAddress address, in InetEndpoint endpoint) => _challenges.TryGetValue(address, out var challenge) && challenge.Endpoint == endpoint;

    /// <summary>Repeats the challenge when the stranger repeats its HELLO from the same endpoint. Returns false if no challenge is pending.</summary>
    public bool TryRepeat(long nowMs, Identity identity, in InetEndpoint endpoint)
    {
        if (!Contains(identity.Address, endpoint) || !_challenges[identity.Address].Candidate.Identity.Equals(identity))
            return false;
        var challenge = _challenges[identity.Address];
        if (nowMs - challenge.SentMs >= RepeatMs)
        {
            _challenges[identity.Address] = challenge with { SentMs = nowMs };
            sender.Probe(nowMs, challenge.Candidate, challenge.LocalSocket, endpoint, chargedTo: challenge.Candidate);
        }

        return true;
    }

    /// <summary>Decrypts a packet that answers a challenge in place and returns its sender. Returns false if the packet answers none.</summary>
    public bool TryAnswer(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> bytes, PacketView packet, [NotNullWhen(true)] out Peer? candidate)
    {
        candidate = null;
        if (!_challenges.TryGetValue(packet.Source, out var challenge) || challenge.Endpoint != endpoint || challenge.LocalSocket != localSocket)
            return false;

        // Decrypt a copy: any other packet is queued, still encrypted, until the sender is known.
        Span<byte> copy = stackalloc byte[MaxAnswerBytes];
        if (bytes.Length > copy.Length)
            return false;
        copy = copy[..bytes.Length];
        bytes.CopyTo(copy);
        if (!challenge.Candidate.Key.TryDearmor(copy) || !PacketView.TryParse(copy, out var plain) || plain.Verb != Verb.Ok || plain.IsCompressed
            || !OkMessage.TryParse(plain.Payload, out var ok) || !requests.TryFind(nowMs, ok.InRePacketId, Verb.Echo, packet.Source, out var request)
            || ok.InReVerb != Verb.Echo || !request.IsAnsweredFrom(localSocket, endpoint))
            return false;
        copy.CopyTo(bytes);
        candidate = challenge.Candidate;
        _challenges.Remove(packet.Source);
        return true;
    }

    private readonly record struct Challenge(Peer Candidate, int LocalSocket, InetEndpoint Endpoint, long SentMs);
}
