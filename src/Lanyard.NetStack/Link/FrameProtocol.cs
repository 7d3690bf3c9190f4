using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Holds the sockets for Ethernet frames, and delivers received frames to them.</summary>
internal sealed class FrameProtocol(NetworkHost host)
{
    private readonly List<FrameSocket> _sockets = [];

    public bool HasSockets => _sockets.Count > 0;

    public NetError Open(ushort etherType, IFrameEvents? events, FrameOptions options, out FrameSocket? socket)
    {
        socket = null;
        if (_sockets.Count >= host.Options.Limits.FrameSockets)
            return NetError.LimitReached;
        socket = new FrameSocket(host, etherType, events, options);
        _sockets.Add(socket);
        return NetError.None;
    }

    public void Close(FrameSocket socket) => _sockets.Remove(socket);

    /// <summary>Delivers a frame to the sockets of its Ethernet type. Returns whether there are any.</summary>
    public bool Receive(MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload)
    {
        var isDelivered = false;
        foreach (var socket in _sockets)
        {
            if (!socket.Receives(etherType))
                continue;
            socket.Deliver(new FrameInfo(source, destination, etherType, payload.Length), payload);
            isDelivered = true;
        }

        return isDelivered;
    }

    public void Shutdown()
    {
        foreach (var socket in _sockets.ToArray())
            socket.Close(host.Now);
    }
}
