using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.Engine.Packets;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

// What the engine asks for, and where its output goes. All of it is called from inside calls to the engine, so under the gate.
internal sealed partial class NodeRuntime : ISealingHost
{
    /// <summary>Hears of peers on the event queue.</summary>
    public Action<LanyardPeerEventArgs>? OnPeerChanged { get; set; }

    /// <summary>Hears of the node's coming and going, under the gate.</summary>
    public Action? OnOnlineChanged { get; set; }

    /// <summary>Hears of messages of the application's own on the event queue.</summary>
    public Action<LanyardUserMessageEventArgs>? OnUserMessage { get; set; }

    void INodeHost.SendDatagram(int localSocket, in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive) =>
        _transport.Send(localSocket, destination, datagram, timeToLive);

    void ISealingHost.SendPacket(int localSocket, in InetEndpoint destination, in UnsealedPacket packet) => _transport.Send(localSocket, destination, packet);

    void INodeHost.FrameReceived(VirtualNetwork network, in EthernetFrame frame)
    {
        if (FindPort(network) is not { } port)
            return;
        _hasOpenBatches = true;
        port.Receive(frame);
    }

    void INodeHost.InternalErrorOccurred(Exception exception) => Events.AddCausedByOthers(logger => Log.InternalError(logger, exception));

    void INodeHost.NetworkChanged(VirtualNetwork network)
    {
        if (FindPort(network) is not { } port)
            return;
        port.HasChanged = true;
        _hasChangedPorts = true;
    }

    void INodeHost.OnlineChanged(bool online)
    {
        var address = Engine.Address;
        if (online)
            Events.Log(logger => Log.Online(logger, address));
        else
            Events.Log(logger => Log.Offline(logger, address));
        OnOnlineChanged?.Invoke();
    }

    void INodeHost.PeerChanged(NodeAddress peer, PeerChange change, in InetEndpoint endpoint)
    {
        if (change != PeerChange.Met)
            _movedPeers.Add(peer);
        var args = new LanyardPeerEventArgs(peer, change, endpoint);
        Events.AddCausedByOthers(logger =>
        {
            Log.PeerChanged(logger, args.Peer, args.Change, args.Endpoint);
            OnPeerChanged?.Invoke(args);
        });
    }

    void INodeHost.UserMessageReceived(NodeAddress source, ulong type, ReadOnlySpan<byte> message)
    {
        if (OnUserMessage is not { } handler)
            return;
        var args = new LanyardUserMessageEventArgs(source, type, message.ToArray());
        Events.AddCausedByOthers(_ => handler(args));
    }

    bool INodeHost.MayUsePath(NodeAddress peer, int localSocket, in InetEndpoint endpoint)
    {
        if (_interfaces.Excludes(endpoint.Address) || IsBlocked(endpoint.Address))
            return false;
        foreach (var blocked in _options.BlockedPeerNetworks)
        {
            if (blocked.Peer == peer && blocked.Network.Contains(endpoint.Address))
                return false;
        }

        return !IsVirtual(endpoint.Address) || Engine.IsRootAddress(peer, endpoint.Address);
    }

    byte[]? INodeHost.LoadState(StateKind kind, ulong id) => _state.Load(kind, id);

    IReadOnlyList<ulong> INodeHost.ListState(StateKind kind) => kind == StateKind.Peer ? _state.ListPeers() : throw new ArgumentOutOfRangeException(nameof(kind));

    void INodeHost.SaveState(StateKind kind, ulong id, ReadOnlySpan<byte> state) => _state.Save(kind, id, state);

    void INodeHost.DeleteState(StateKind kind, ulong id) => _state.Delete(StateNames.Of(kind, id));

    // Whether packets to a physical address would travel through a virtual network of this node: only what is in use of the assigned ranges counts.
    private bool IsVirtual(InetAddress address)
    {
        foreach (var port in _ports)
        {
            foreach (var own in port.Host.Addresses)
            {
                if (own.Contains(address) && !address.IsLoopback && !IsOnOwnLan(address, port.Engine.Id))
                    return true;
            }
        }

        return false;
    }

    private bool IsBlocked(InetAddress address)
    {
        foreach (var network in _options.BlockedPhysicalNetworks)
        {
            if (network.Contains(address))
                return true;
        }

        return false;
    }

    private NetworkPort? FindPort(VirtualNetwork network)
    {
        foreach (var port in _ports)
        {
            if (ReferenceEquals(port.Engine, network))
                return port;
        }

        return null;
    }
}
