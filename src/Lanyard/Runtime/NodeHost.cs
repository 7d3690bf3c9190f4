using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.Engine.Packets;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>The engine's host: sends its packets, passes frames to ports, raises events, stores state. The engine calls it under the gate.</summary>
internal sealed class NodeHost(NodeRuntime runtime, NodeTransport transport, StateKeeper store, NodePorts ports) : ISealingHost
{
    /// <summary>Hears of peers on the event queue.</summary>
    public Action<LanyardPeerEventArgs>? OnPeerChanged { get; set; }

    /// <summary>Hears of the node's coming and going, under the gate.</summary>
    public Action? OnOnlineChanged { get; set; }

    /// <summary>Hears of messages of the application's own on the event queue.</summary>
    public Action<LanyardUserMessageEventArgs>? OnUserMessage { get; set; }

    void INodeHost.SendDatagram(int localSocket, in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive) =>
        transport.Send(localSocket, destination, datagram, timeToLive);

    void ISealingHost.SendPacket(int localSocket, in InetEndpoint destination, in UnsealedPacket packet) => transport.Send(localSocket, destination, packet);

    void INodeHost.FrameReceived(VirtualNetwork network, in EthernetFrame frame)
    {
        if (ports.Find(network) is { } port)
            port.Virtual.Receive(frame);
    }

    void INodeHost.InternalErrorOccurred(Exception exception) => runtime.Events.AddCausedByOthers(logger => Log.InternalError(logger, exception));

    void INodeHost.NetworkChanged(VirtualNetwork network) => ports.NoteChanged(network);

    void INodeHost.OnlineChanged(bool online)
    {
        var address = runtime.Engine.Address;
        if (online)
            runtime.Events.Log(logger => Log.Online(logger, address));
        else
            runtime.Events.Log(logger => Log.Offline(logger, address));
        OnOnlineChanged?.Invoke();
    }

    void INodeHost.PeerChanged(NodeAddress peer, PeerChange change, in InetEndpoint endpoint)
    {
        if (change != PeerChange.Met)
            ports.NoteMoved(peer);
        var physical = endpoint;
        var args = new LanyardPeerEventArgs(peer, change.ToPublic(), endpoint.IsNone ? null : endpoint.ToIPEndPoint());
        runtime.Events.AddCausedByOthers(logger =>
        {
            Log.PeerChanged(logger, peer, change, physical);
            OnPeerChanged?.Invoke(args);
        });
    }

    void INodeHost.UserMessageReceived(NodeAddress source, ulong type, ReadOnlySpan<byte> message)
    {
        if (OnUserMessage is not { } handler)
            return;
        var args = new LanyardUserMessageEventArgs(source, type, message.ToArray());
        runtime.Events.AddCausedByOthers(_ => handler(args));
    }

    bool INodeHost.MayUsePath(NodeAddress peer, int localSocket, in InetEndpoint endpoint)
    {
        if (runtime.Interfaces.Excludes(endpoint.Address) || IsBlocked(endpoint.Address))
            return false;
        foreach (var blocked in runtime.Options.BlockedPeerNetworks)
        {
            if (blocked.Peer == peer && blocked.Network.Contains(endpoint.Address))
                return false;
        }

        return !IsVirtual(endpoint.Address) || runtime.Engine.IsRootAddress(peer, endpoint.Address);
    }

    byte[]? INodeHost.LoadState(StateKind kind, ulong id) => store.Load(kind, id);

    IReadOnlyList<ulong> INodeHost.ListState(StateKind kind) => kind == StateKind.Peer ? store.ListPeers() : throw new ArgumentOutOfRangeException(nameof(kind));

    void INodeHost.SaveState(StateKind kind, ulong id, ReadOnlySpan<byte> state) => store.Save(kind, id, state);

    void INodeHost.DeleteState(StateKind kind, ulong id) => store.Delete(StateNames.Of(kind, id));

    // Whether packets to a physical address would travel through a virtual network of this node: only what is in use of the assigned ranges counts.
    private bool IsVirtual(InetAddress address)
    {
        foreach (var port in ports.All)
        {
            foreach (var own in port.Host.Addresses)
            {
                if (own.Contains(address) && !address.IsLoopback && !runtime.IsOnOwnLan(address, port.Engine.Id))
                    return true;
            }
        }

        return false;
    }

    /// <summary>Whether the options forbid a physical address.</summary>
    public bool IsBlocked(InetAddress address)
    {
        foreach (var network in runtime.Options.BlockedPhysicalNetworks)
        {
            if (network.Contains(address))
                return true;
        }

        return false;
    }
}
