using Lanyard.Primitives;

namespace Lanyard.Simulation;

/// <summary>How a NAT maps and filters (RFC 4787).</summary>
public enum NatKind
{
    /// <summary>One mapping a socket, and whoever knows it may send to it.</summary>
    FullCone,

    /// <summary>One mapping a socket; only addresses that were sent to may send back.</summary>
    AddressRestricted,

    /// <summary>One mapping a socket; only endpoints that were sent to may send back. What home routers mostly are.</summary>
    PortRestricted,

    /// <summary>Another mapping for each destination; only that destination may send back.</summary>
    Symmetric,
}

/// <summary>A NAT with a public address and hosts behind it.</summary>
public sealed class Nat
{
    private const ushort FirstPort = 20_000;
    private static readonly TimeSpan MappingLife = TimeSpan.FromSeconds(60);

    private readonly Dictionary<(InetEndpoint Inside, InetEndpoint Remote), Mapping> _outbound = [];
    private readonly Dictionary<ushort, Mapping> _inbound = [];
    private ushort _nextPort = FirstPort;

    internal Nat(InetAddress address, NatKind kind)
    {
        Address = address;
        Kind = kind;
    }

    /// <summary>The public address.</summary>
    public InetAddress Address { get; }

    /// <summary>How it maps and filters.</summary>
    public NatKind Kind { get; }

    /// <summary>Whether two NATs of these kinds let peers behind them reach each other when both are told the other's public endpoint.</summary>
    public static bool CanTraverse(NatKind a, NatKind b) =>
        (a, b) is not ((NatKind.Symmetric, NatKind.Symmetric or NatKind.PortRestricted) or (NatKind.PortRestricted, NatKind.Symmetric));

    /// <summary>Forgets all mappings, as a router that restarts does.</summary>
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

        public bool IsExpired(long nowMicroseconds) => nowMicroseconds - LastUsed > MappingLife.Ticks / Internet.TicksPerMicrosecond;
    }
}
