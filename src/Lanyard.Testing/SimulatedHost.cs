using System.Net;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Testing;

/// <summary>A machine on a <see cref="SimulatedInternet"/>: an IP address, and nodes on its UDP ports.</summary>
public sealed class SimulatedHost : SimulatedPlace
{
    private readonly Dictionary<ushort, IDatagramEndpoint> _endpoints = [];
    private readonly Dictionary<ushort, Identity> _identities = [];

    internal SimulatedHost(SimulatedInternet internet, InetAddress address, SimulatedNat? nat)
        : base(address)
    {
        Internet = internet;
        Nat = nat;
    }

    /// <summary>The internet that the host is on.</summary>
    public SimulatedInternet Internet { get; }

    /// <summary>The NAT that the host is behind; null if it has a public address.</summary>
    public SimulatedNat? Nat { get; }

    /// <inheritdoc/>
    public override SimulatedPlace Edge => Nat is { } nat ? nat : this;

    /// <summary>Binds a UDP port, as the transport of one node.</summary>
    /// <param name="port">The port. Default 9993.</param>
    /// <exception cref="InvalidOperationException">The port is in use.</exception>
    public ILanyardTransport CreateTransport(ushort port = LanyardOptions.DefaultPort) => new SimulatedTransport(this, port);

    /// <summary>
    /// Creates the options of a node on this host: transport, clock, random numbers and identity. A node that restarts on the port has the identity of the last one.
    /// </summary>
    /// <param name="port">The UDP port. Default 9993.</param>
    /// <exception cref="InvalidOperationException">The port is in use.</exception>
    public LanyardOptions CreateOptions(ushort port = LanyardOptions.DefaultPort) => new()
    {
        Transport = CreateTransport(port),
        TimeProvider = Internet.TimeProvider,
        RandomNumberGenerator = Internet.CreateRandomNumberGenerator(),
        Identity = IdentityOf(port),
    };

    /// <summary>Returns the identity of the nodes on a port.</summary>
    /// <param name="port">The UDP port. Default 9993.</param>
    public Identity IdentityOf(ushort port = LanyardOptions.DefaultPort)
    {
        lock (_identities)
        {
            if (!_identities.TryGetValue(port, out var identity))
                _identities.Add(port, identity = Internet.TakeValidIdentity());
            return identity;
        }
    }

    /// <summary>Returns the endpoint of a port, as other hosts of the same network reach it.</summary>
    /// <param name="port">The UDP port. Default 9993.</param>
    public IPEndPoint EndPoint(ushort port = LanyardOptions.DefaultPort) => new(Address.ToIPAddress(), port);

    internal void Bind(ushort port, IDatagramEndpoint endpoint)
    {
        lock (_endpoints)
        {
            if (!_endpoints.TryAdd(port, endpoint))
                throw new InvalidOperationException($"UDP port {port} of host {Address} is in use. Dispose of its node, or use another port.");
        }
    }

    internal void Unbind(ushort port)
    {
        lock (_endpoints)
            _endpoints.Remove(port);
    }

    internal void Deliver(InetEndpoint source, ushort port, Span<byte> datagram)
    {
        IDatagramEndpoint? endpoint;
        lock (_endpoints)
            _endpoints.TryGetValue(port, out endpoint);
        endpoint?.Receive(source, port, datagram);
    }
}

/// <summary>Receives the datagrams of a UDP port.</summary>
internal interface IDatagramEndpoint
{
    void Receive(InetEndpoint source, ushort port, Span<byte> datagram);
}
