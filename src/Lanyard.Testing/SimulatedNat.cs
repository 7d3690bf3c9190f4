using Lanyard.Primitives;

namespace Lanyard.Testing;

/// <summary>The mapping and filtering behavior of a NAT (RFC 4787).</summary>
public enum NatKind
{
    /// <summary>One mapping for each socket; any endpoint may send to it.</summary>
    FullCone,

    /// <summary>One mapping for each socket; only addresses that the socket has sent to may send to it.</summary>
    AddressRestricted,

    /// <summary>One mapping for each socket; only endpoints that the socket has sent to may send to it. Most home routers.</summary>
    PortRestricted,

    /// <summary>One mapping for each socket and destination; only the destination may send to it.</summary>
    Symmetric,
}

/// <summary>A NAT with a public address and hosts behind it.</summary>
public sealed class SimulatedNat : SimulatedPlace
{
    private const ushort FirstPort = 20_000;
    private static readonly TimeSpan MappingLife = TimeSpan.FromSeconds(60);

    private readonly Dictionary<(InetEndpoint Inside, InetEndpoint Remote), Mapping> _outbound = [];
    private readonly Dictionary<ushort, Mapping> _inbound = [];
    private ushort _nextPort = FirstPort;

    internal SimulatedNat(InetAddress address, NatKind kind)
        : base(address) => Kind = kind;

    /// <inheritdoc/>
    public override SimulatedPlace Edge => this;

    /// <summary>The mapping and filtering behavior.</summary>
    public NatKind Kind { get; }

    /// <summary>Returns whether peers behind two NATs can reach each other directly once each knows the other's public endpoint.</summary>
    public static bool CanTraverse(NatKind a, NatKind b) =>
        (a, b) is not ((NatKind.Symmetric, NatKind.Symmetric or NatKind.PortRestricted) or (NatKind.PortRestricted, NatKind.Symmetric));

    /// <summary>Drops all mappings, as a restarting router does.</summary>
    public void Restart()
    {
        _outbound.Clear();
        _inbound.Clear();
    }

    internal InetEndpoint MapOutbound(long nowMicroseconds, InetEndpoint inside, InetEndpoint remote)
    {
        var key = (inside, Kind == NatKind.Symmetric ? remote : default);
        if (!_outbound.TryGetValue(key, out var mapping) || mapping.IsExpired(nowMicroseconds))
        {
            if (mapping is not null)
                _inbound.Remove(mapping.Port);
            do
                _nextPort = _nextPort == ushort.MaxValue ? FirstPort : (ushort)(_nextPort + 1);
            while (_inbound.ContainsKey(_nextPort));
            mapping = new Mapping(_nextPort, inside);
            _outbound[key] = mapping;
            _inbound[_nextPort] = mapping;
        }

        mapping.LastUsed = nowMicroseconds;
        mapping.SentTo.Add(remote);
        return new InetEndpoint(Address, mapping.Port);
    }

    internal bool TryMapInbound(long nowMicroseconds, ushort port, InetEndpoint remote, out InetEndpoint inside)
    {
        inside = default;
        if (!_inbound.TryGetValue(port, out var mapping) || mapping.IsExpired(nowMicroseconds))
            return false;
        var isAllowed = Kind switch
        {
            NatKind.FullCone => true,
            NatKind.AddressRestricted => mapping.SentTo.Any(e => e.Address == remote.Address),
            _ => mapping.SentTo.Contains(remote),
        };
        inside = mapping.Inside;
        return isAllowed;
    }

    private sealed class Mapping(ushort port, InetEndpoint inside)
    {
        public ushort Port { get; } = port;

        public InetEndpoint Inside { get; } = inside;

        public HashSet<InetEndpoint> SentTo { get; } = [];

        public long LastUsed { get; set; }

        public bool IsExpired(long nowMicroseconds) => nowMicroseconds - LastUsed > MappingLife.Ticks / SimulatedInternet.TicksPerMicrosecond;
    }
}
