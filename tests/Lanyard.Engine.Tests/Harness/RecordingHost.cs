using Lanyard.Engine.Networks;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Engine.Tests.Harness;

/// <summary>A host that records a node's calls.</summary>
internal class RecordingHost : INodeHost
{
    private readonly Dictionary<(StateKind, ulong), byte[]> _state = [];

    /// <summary>The datagrams sent since the list was last cleared.</summary>
    public List<(InetEndpoint To, byte[] Datagram)> Sent { get; } = [];

    public List<(NodeAddress From, byte[] Message)> Messages { get; } = [];

    public List<(MacAddress Source, MacAddress Destination, byte[] Data)> Frames { get; } = [];

    public List<Exception> InternalErrors { get; } = [];

    /// <summary>Called with each message of an application, before it is recorded.</summary>
    public Action<byte[]>? OnMessage { get; set; }

    public void SendDatagram(int localSocket, in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive) =>
        Sent.Add((destination, datagram.ToArray()));

    public void FrameReceived(VirtualNetwork network, in EthernetFrame frame) => Frames.Add((frame.Source, frame.Destination, frame.Payload.ToArray()));

    public void InternalErrorOccurred(Exception exception) => InternalErrors.Add(exception);

    public void NetworkChanged(VirtualNetwork network)
    {
    }

    public void OnlineChanged(bool online)
    {
    }

    public void PeerChanged(NodeAddress peer, PeerChange change, in InetEndpoint endpoint)
    {
    }

    public void UserMessageReceived(NodeAddress source, ulong type, ReadOnlySpan<byte> message)
    {
        OnMessage?.Invoke(message.ToArray());
        Messages.Add((source, message.ToArray()));
    }

    public bool MayUsePath(NodeAddress peer, int localSocket, in InetEndpoint endpoint) => true;

    public byte[]? LoadState(StateKind kind, ulong id) => _state.GetValueOrDefault((kind, id));

    public IReadOnlyList<ulong> ListState(StateKind kind) => [.. _state.Keys.Where(key => key.Item1 == kind).Select(key => key.Item2)];

    public void SaveState(StateKind kind, ulong id, ReadOnlySpan<byte> state) => _state[(kind, id)] = state.ToArray();

    public void DeleteState(StateKind kind, ulong id) => _state.Remove((kind, id));
}
