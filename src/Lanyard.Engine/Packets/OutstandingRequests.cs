using Lanyard.Engine.Peers;
using Lanyard.Primitives;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Packets;

/// <summary>A request awaiting its reply.</summary>
/// <param name="Verb">The verb of the request.</param>
/// <param name="Peer">The peer that was asked.</param>
/// <param name="LocalSocket">The local socket that sent it; -1 if the host chose one.</param>
/// <param name="Endpoint">The destination: an endpoint of the peer, or of the relaying root.</param>
/// <param name="SentMs">The time of sending, in milliseconds since 1970.</param>
/// <param name="Subject">The address of a WHOIS, the network of a MULTICAST_GATHER or NETWORK_CONFIG_REQUEST, else 0.</param>
internal readonly record struct OutstandingRequest(Verb Verb, NodeAddress Peer, int LocalSocket, InetEndpoint Endpoint, long SentMs, ulong Subject)
{
    /// <summary>Whether a packet arrived from the endpoint, on the socket, of this request.</summary>
    public bool IsAnsweredFrom(int localSocket, in InetEndpoint endpoint) => Endpoint == endpoint && (LocalSocket < 0 || LocalSocket == localSocket);
}

/// <summary>
/// The requests awaiting replies, by packet ID. An OK is accepted only from the peer that was asked, for the verb that was asked, and once. Requests caused by
/// strangers have a separate table, so that they never evict the node's own.
/// </summary>
internal sealed class OutstandingRequests
{
    private const long LifeMs = 30_000;
    private const int Capacity = 4_096;
    private const int StrangersCapacity = 1_024;

    private readonly Table _own = new(Capacity);
    private readonly Table _strangers = new(StrangersCapacity);

    /// <summary>Remembers a request.</summary>
    /// <param name="packetId">Its packet ID on the wire, after encryption.</param>
    /// <param name="request">The request.</param>
    /// <param name="isForStranger">Whether a stranger caused it.</param>
    public void Add(ulong packetId, in OutstandingRequest request, bool isForStranger) => (isForStranger ? _strangers : _own).Add(packetId, request);

    /// <summary>Finds the request that a reply names.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="packetId">The packet ID in the reply.</param>
    /// <param name="verb">The verb in the reply.</param>
    /// <param name="peer">The sender of the reply.</param>
    /// <param name="request">The request.</param>
    /// <returns>False if no such request to this peer is outstanding.</returns>
    public bool TryFind(long nowMs, ulong packetId, Verb verb, NodeAddress peer, out OutstandingRequest request) =>
        (_own.TryGet(packetId, out request) || _strangers.TryGet(packetId, out request))
        && request.Peer == peer && nowMs - request.SentMs < LifeMs && IsAnsweredAs(request.Verb, verb);

    /// <summary>Removes a request after its complete reply.</summary>
    public void Consume(ulong packetId)
    {
        if (!_own.Remove(packetId))
            _strangers.Remove(packetId);
    }

    // Existing nodes acknowledge a pushed NETWORK_CONFIG with OK(ECHO).
    private static bool IsAnsweredAs(Verb asked, Verb answered) => asked == answered || (asked == Verb.NetworkConfig && answered == Verb.Echo);

    // Expired entries are removed as others are added; a full table evicts its oldest entry. The queue holds consumed entries too.
    private sealed class Table(int capacity)
    {
        private readonly Dictionary<ulong, OutstandingRequest> _requests = [];
        private readonly Queue<(ulong PacketId, long SentMs)> _order = new();

        public void Add(ulong packetId, in OutstandingRequest request)
        {
            while (_order.TryPeek(out var oldest) && (_order.Count >= capacity || request.SentMs - oldest.SentMs >= LifeMs))
                _requests.Remove(_order.Dequeue().PacketId);
            _order.Enqueue((packetId, request.SentMs));
            _requests[packetId] = request;
        }

        public bool TryGet(ulong packetId, out OutstandingRequest request) => _requests.TryGetValue(packetId, out request);

        public bool Remove(ulong packetId) => _requests.Remove(packetId);
    }
}
