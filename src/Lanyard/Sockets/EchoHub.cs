using System.Net.Sockets;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>The pings of a port. They share one echo socket and differ by their sequence numbers. Callers hold the lock.</summary>
internal sealed class EchoHub(NetworkPort port) : IEchoEvents
{
    private const int MaxPending = 4_096;

    private readonly Dictionary<ushort, PingOperation> _pending = [];
    private EchoSocket? _socket;
    private ushort _lastSequence;

    public NodeRuntime Runtime => port.Runtime;

    /// <summary>
    /// Sends a request. The operation ends with the reply, with an ICMP error, or with <see cref="PingOperation.TimeOut"/>.
    /// </summary>
    /// <param name="destination">The destination.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="error">The reason if the request was not sent.</param>
    /// <returns>The operation; null if the request was not sent.</returns>
    public PingOperation? Send(InetAddress destination, ReadOnlySpan<byte> payload, out NetError error)
    {
        error = NetError.None;
        if (_socket is null)
            error = port.Host.OpenEcho(this, out _socket);
        if (error == NetError.None && _pending.Count >= MaxPending)
            error = NetError.LimitReached;
        if (error != NetError.None)
            return null;
        do
            _lastSequence++;
        while (_pending.ContainsKey(_lastSequence));
        var operation = new PingOperation(this, _lastSequence);
        _pending.Add(_lastSequence, operation);
        operation.Begin();
        error = _socket!.Send(Runtime.NowMicroseconds, destination, _lastSequence, payload);
        if (error == NetError.None)
            return operation;
        _pending.Remove(_lastSequence);
        return null;
    }

    public void Forget(ushort sequence) => _pending.Remove(sequence);

    public void OnPortLeft()
    {
        _socket = null;
        End(NetError.AddressRemoved);
    }

    void IEchoEvents.OnReply(EchoSocket socket, InetAddress from, ushort sequence, byte hopLimit, ReadOnlySpan<byte> payload)
    {
        if (_pending.TryGetValue(sequence, out var operation))
            operation.Finish(new LanyardPingReply(SocketError.Success, from, operation.Elapsed, hopLimit, payload.Length));
    }

    void IEchoEvents.OnError(EchoSocket socket, InetAddress destination, InetAddress from, ushort sequence, NetError error)
    {
        if (_pending.TryGetValue(sequence, out var operation))
            operation.Finish(new LanyardPingReply(SocketErrors.Of(error), from, default, 0, 0));
    }

    private void End(NetError error)
    {
        foreach (var operation in _pending.Values.ToArray())
            operation.Finish(new LanyardPingReply(SocketErrors.Of(error), default, default, 0, 0));
    }
}

/// <summary>A ping whose reply is pending.</summary>
internal sealed class PingOperation(EchoHub hub, ushort sequence) : Operation<LanyardPingReply>(hub.Runtime)
{
    private readonly TimeProvider _time = hub.Runtime.Options.TimeProvider;
    private readonly long _sentAt = hub.Runtime.Options.TimeProvider.GetTimestamp();

    public TimeSpan Elapsed => _time.GetElapsedTime(_sentAt);

    protected override string BusyMessage => "A ping operation sends only one request.";

    /// <summary>Ends the operation with a timeout. Takes the lock.</summary>
    public void TimeOut()
    {
        using (new GateHold(Runtime))
            Finish(new LanyardPingReply(SocketError.TimedOut, default, default, 0, 0));
    }

    protected override void Release() => hub.Forget(sequence);
}
