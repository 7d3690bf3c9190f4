using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Testing.Tests;

/// <summary>A node on a simulated internet, with a TCP/IP host on each network that it joins.</summary>
internal sealed class SimulatedNode : INodeHost, IDatagramEndpoint
{
    private readonly Dictionary<NetworkId, SimulatedPort> _ports = [];
    private long _scheduledMicroseconds = long.MaxValue;
    private readonly HashSet<NodeAddress> _movedPeers = [];
    private readonly List<ushort> _udpPorts;
    private bool _stopped;

    internal SimulatedNode(SimulatedHost host, ushort port, Identity identity, World? planet, SimulatedState state, NodeOptions? options)
    {
        Host = host;
        _udpPorts = [port];
        State = state;
        var seed = new byte[32];
        host.Internet.Fill(seed);
        options = (options ?? new NodeOptions { RandomSeed = seed }) with { RandomSeed = seed, ValidateIdentity = host.Internet.Validate };
        Node = new Node(options, identity, this, host.Internet.NowMs);
        if (planet is not null)
            Node.AddWorld(host.Internet.NowMs, planet);
        SetLocalEndpoints();
    }

    /// <summary>The machine that it runs on.</summary>
    public SimulatedHost Host { get; }

    /// <summary>Its UDP port, the first where it has several.</summary>
    public ushort Port => _udpPorts[0];

    /// <summary>The node. After calling it, call <see cref="Wake"/>: it may want to be polled earlier than planned.</summary>
    public Node Node { get; }

    /// <summary>What it keeps over restarts.</summary>
    public SimulatedState State { get; }

    /// <summary>Its address.</summary>
    public NodeAddress Address => Node.Address;

    /// <summary>Where it is to be reached from its own network.</summary>
    public InetEndpoint Endpoint => new(Host.Address, Port);

    /// <summary>How many identities were checked and messages of a controller signed.</summary>
    public int CompletedWork { get; private set; }

    /// <summary>How often packets to a peer changed between direct and relayed.</summary>
    public int PathChanges { get; private set; }

    /// <summary>Opens another UDP port, so that other nodes have several paths to this one.</summary>
    /// <exception cref="ArgumentException">The port is taken.</exception>
    public void OpenPort(ushort port)
    {
        Host.Bind(port, this);
        _udpPorts.Add(port);
        SetLocalEndpoints();
    }

    /// <summary>Joins a network.</summary>
    public SimulatedPort Join(NetworkId network)
    {
        if (_ports.TryGetValue(network, out var port))
            return port;
        port = new SimulatedPort(this, network);
        _ports.Add(network, port);
        port.Bind(Node.Join(Host.Internet.NowMs, network));
        port.HasChanged = true;
        port.Settle();
        Wake();
        return port;
    }

    /// <summary>Leaves a network.</summary>
    public void Leave(NetworkId network)
    {
        _ports.Remove(network);
        Node.Leave(network);
        Wake();
    }

    /// <summary>Whether packets to a peer go directly now.</summary>
    public bool IsDirectTo(NodeAddress peer) => Node.FindPeer(Host.Internet.NowMs, peer) is { IsDirect: true };

    /// <summary>Whether the node is running; false after <see cref="Kill"/>.</summary>
    public bool IsAlive => !_stopped;

    /// <summary>Ends it without a word, as a process that is killed.</summary>
    public void Kill()
    {
        _stopped = true;
        foreach (var port in _udpPorts)
            Host.Unbind(port);
    }

    /// <summary>Plans the next poll anew; to be called after calls to <see cref="Node"/> or to a port's TCP/IP host.</summary>
    public void Wake()
    {
        var next = Node.HasWork ? 0 : Node.NextDeadlineMs * 1000;
        foreach (var port in _ports.Values)
            next = Math.Min(next, port.HasChanged ? 0 : port.NextDeadlineMicroseconds);
        if (next >= _scheduledMicroseconds)
            return;

        // Time passes between polls, however eager the node is.
        next = Math.Max(next, Host.Internet.NowMicroseconds + 1);
        _scheduledMicroseconds = next;
        Host.Internet.At(next, () => Poll(next));
    }

    /// <inheritdoc/>
    void INodeHost.SendDatagram(int localSocket, in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive)
    {
        if (localSocket >= 0)
        {
            Host.Internet.Send(Host, _udpPorts[localSocket], destination, datagram, timeToLive);
            return;
        }

        foreach (var port in _udpPorts)
            Host.Internet.Send(Host, port, destination, datagram, timeToLive);
    }

    /// <inheritdoc/>
    void INodeHost.FrameReceived(VirtualNetwork network, in EthernetFrame frame)
    {
        if (_ports.TryGetValue(network.Id, out var port))
            port.Receive(frame);
    }

    /// <inheritdoc/>
    void INodeHost.InternalErrorOccurred(Exception exception) =>
        throw new InvalidOperationException("A datagram caused an exception inside the node.", exception);

    /// <inheritdoc/>
    void INodeHost.NetworkChanged(VirtualNetwork network)
    {
        if (_ports.TryGetValue(network.Id, out var port))
        {
            port.Bind(network);
            port.HasChanged = true;
        }
    }

    /// <inheritdoc/>
    void INodeHost.OnlineChanged(bool online)
    {
    }

    /// <inheritdoc/>
    void INodeHost.PeerChanged(NodeAddress peer, PeerChange change, in InetEndpoint endpoint)
    {
        if (change == PeerChange.Met)
            return;
        PathChanges++;
        _movedPeers.Add(peer);
    }

    /// <inheritdoc/>
    void INodeHost.UserMessageReceived(NodeAddress source, ulong type, ReadOnlySpan<byte> message)
    {
    }

    /// <inheritdoc/>
    bool INodeHost.MayUsePath(NodeAddress peer, int localSocket, in InetEndpoint endpoint)
    {
        foreach (var port in _ports.Values)
        {
            if (port.Contains(endpoint.Address) && !Node.IsRootAddress(peer, endpoint.Address))
                return false;
        }

        return true;
    }

    /// <inheritdoc/>
    byte[]? INodeHost.LoadState(StateKind kind, ulong id) => State.Load(kind, id);

    /// <inheritdoc/>
    IReadOnlyList<ulong> INodeHost.ListState(StateKind kind) => State.List(kind);

    /// <inheritdoc/>
    void INodeHost.SaveState(StateKind kind, ulong id, ReadOnlySpan<byte> state) => State.Save(kind, id, state);

    /// <inheritdoc/>
    void INodeHost.DeleteState(StateKind kind, ulong id) => State.Delete(kind, id);

    public void Receive(InetEndpoint source, ushort port, Span<byte> datagram)
    {
        Node.Receive(Host.Internet.NowMs, _udpPorts.IndexOf(port), source, datagram);
        RunWork();
        SettlePorts();
        Wake();
    }

    private void SetLocalEndpoints() => Node.SetLocalEndpoints([.. _udpPorts.Select(port => new InetEndpoint(Host.Address, port))]);

    private void SettlePorts()
    {
        var moved = _movedPeers.ToArray();
        _movedPeers.Clear();
        foreach (var peer in moved)
        {
            foreach (var port in _ports.Values)
                port.PathChanged(peer);
        }

        foreach (var port in _ports.Values)
            port.Settle();
    }

    // In no time: on a machine they take milliseconds of another thread.
    private void RunWork()
    {
        while (Node.TryTakeWork(out var work))
        {
            work.Run();
            CompletedWork++;
            Node.CompleteWork(Host.Internet.NowMs, work);
        }
    }

    private void Poll(long scheduled)
    {
        if (_stopped || scheduled != _scheduledMicroseconds)
            return;
        _scheduledMicroseconds = long.MaxValue;
        var now = Host.Internet.NowMicroseconds;
        if (Node.NextDeadlineMs * 1000 <= now)
            Node.Poll(now / 1000);
        RunWork();
        SettlePorts();
        foreach (var port in _ports.Values)
            port.Poll();
        Wake();
    }
}
