using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Which sockets for Ethernet frames there are, and which a frame is for.</summary>
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

    /// <summary>Gives a frame to the sockets that want it. True if any does.</summary>
    public bool Receive(MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload)
    {
        var isTaken = false;
        foreach (var socket in _sockets)
        {
            if (!socket.Wants(etherType))
                continue;
            socket.Deliver(new FrameInfo(source, destination, etherType, payload.Length), payload);
            isTaken = true;
        }

        return isTaken;
    }

    public void Shutdown()
    {
        foreach (var socket in _sockets.ToArray())
            socket.Close(host.Now);
    }
}
