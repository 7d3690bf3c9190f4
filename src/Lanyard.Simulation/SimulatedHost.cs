using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Simulation;

/// <summary>A machine on a simulated internet: an IP address, and nodes on its ports.</summary>
public sealed class SimulatedHost
{
    private readonly Dictionary<ushort, SimulatedNode> _nodes = [];

    internal SimulatedHost(Internet internet, InetAddress address, Nat? nat)
    {
        Internet = internet;
        Address = address;
        Nat = nat;
    }

    /// <summary>The internet that it is on.</summary>
    public Internet Internet { get; }

    /// <summary>Its address: a private one behind a NAT.</summary>
    public InetAddress Address { get; }

    /// <summary>The NAT that it is behind, if any.</summary>
    public Nat? Nat { get; }

    /// <summary>Starts a node on one of this host's UDP ports.</summary>
    /// <param name="identity">Who it is; one is made where none is given.</param>
    /// <param name="planet">The roots; none where the node is to find its planet in <paramref name="state"/>.</param>
    /// <param name="port">The UDP port. Default 9993.</param>
    /// <param name="state">What an earlier node kept (<see cref="SimulatedNode.State"/>), for a restart.</param>
    /// <param name="options">The node's options; its random seed and the check of identities are replaced by the internet's.</param>
    /// <exception cref="ArgumentException">The port is taken.</exception>
    public SimulatedNode Start(
        Identity? identity = null, World? planet = null, ushort port = 9993, SimulatedState? state = null, NodeOptions? options = null)
    {
        var node = new SimulatedNode(this, port, identity ?? Internet.CreateIdentity(), planet, state ?? new SimulatedState(), options);
        _nodes.Add(port, node);
        node.Begin();
        return node;
    }

    internal void Add(SimulatedNode node, ushort port) => _nodes.Add(port, node);

    internal void Remove(SimulatedNode node)
    {
        foreach (var port in node.Ports)
            _nodes.Remove(port);
    }

    internal void Deliver(InetEndpoint source, ushort port, Span<byte> datagram)
    {
        if (_nodes.TryGetValue(port, out var node))
            node.Receive(source, port, datagram);
    }
}
