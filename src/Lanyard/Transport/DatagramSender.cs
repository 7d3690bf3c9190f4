using Lanyard.Engine.Packets;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>
/// Sends the datagrams of one local endpoint. Datagrams are added to a batch under the gate. A thread that leaves the gate takes the batch
/// (<see cref="BeginFlush"/>), and seals and sends it afterwards (<see cref="EndFlush"/>), while other threads fill another batch. Batches are sent in order.
/// </summary>
internal abstract class DatagramSender
{
    // Taken after the gate, and held beyond it: a thread that holds it never waits for the gate.
    private readonly object _sendLock = new();
    private SendBatch _current;
    private SendBatch _other;
    private long _sendFailures;

    /// <param name="localEndpoint">The local endpoint.</param>
    /// <param name="batchBytes">The size of a batch in bytes.</param>
    private protected DatagramSender(InetEndpoint localEndpoint, int batchBytes)
    {
        LocalEndpoint = localEndpoint;
        _current = new SendBatch(batchBytes);
        _other = new SendBatch(batchBytes);
    }

    /// <summary>The local address (unspecified for the wildcard address) and port.</summary>
    public InetEndpoint LocalEndpoint { get; }

    public InetFamily Family => LocalEndpoint.Address.Family;

    /// <summary>The number of datagrams that the system did not accept.</summary>
    public long SendFailures => Interlocked.Read(ref _sendFailures);

    /// <summary>
    /// Reserves room to build a packet in, from where it is sent without a copy. Under the gate; the next call, or leaving the gate, takes the room back.
    /// </summary>
    /// <param name="bytes">The size in bytes, at most 16 KiB.</param>
    /// <param name="offset">The start of the room in <see cref="SendBatch.Bytes"/>.</param>
    /// <returns>The batch that the room belongs to.</returns>
    public SendBatch TakeRoom(int bytes, out int offset)
    {
        if (!_current.TryTakeRoom(bytes, out offset))
        {
            SendCurrent(keepsRoom: false);
            _current.TryTakeRoom(bytes, out offset);
        }

        return _current;
    }

    /// <summary>Adds a datagram to the batch. Under the gate.</summary>
    /// <param name="destination">The destination.</param>
    /// <param name="datagram">The UDP payload.</param>
    public void Send(in InetEndpoint destination, ReadOnlySpan<byte> datagram)
    {
        if (_current.TryAdd(destination, datagram, CanJoin))
            return;
        SendCurrent(keepsRoom: true);

        // A datagram longer than a batch is longer than any that a system sends.
        if (!_current.TryAdd(destination, datagram, CanJoin))
            CountFailures(1);
    }

    /// <summary>Adds a packet to the batch. Under the gate.</summary>
    public void Send(in InetEndpoint destination, in UnsealedPacket packet)
    {
        if (_current.TryAdd(destination, packet, CanJoin))
            return;
        SendCurrent(keepsRoom: true);
        if (!_current.TryAdd(destination, packet, CanJoin))
            CountFailures(1);
    }

    /// <summary>Sends a datagram at once with an IP time to live of its own. Under the gate.</summary>
    public void Send(in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive)
    {
        SendCurrent(keepsRoom: true);
        lock (_sendLock)
            SendNow(destination, datagram, timeToLive);
    }

    /// <summary>Takes the batch to be sent, if there is one. Under the gate; <see cref="EndFlush"/> must follow on the same thread.</summary>
    public void BeginFlush()
    {
        if (_current.IsEmpty)
            return;
        Monitor.Enter(_sendLock);
        (_current, _other) = (_other, _current);
    }

    /// <summary>Seals and sends the batch that this thread has taken. Not under the gate.</summary>
    public void EndFlush()
    {
        if (!Monitor.IsEntered(_sendLock))
            return;
        try
        {
            _other.Seal();
            SendAll(_other);
        }
        finally
        {
            _other.Clear(keepsRoom: false);
            Monitor.Exit(_sendLock);
        }
    }

    /// <summary>Whether one call sends several datagrams of one length to one destination.</summary>
    private protected abstract bool CanJoin { get; }

    /// <summary>Sends the datagrams of a batch.</summary>
    private protected abstract void SendAll(SendBatch batch);

    /// <summary>Sends a datagram with an IP time to live of its own.</summary>
    private protected abstract void SendNow(in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive);

    // Counted under the gate and under the lock for sending.
    private protected void CountFailures(int datagrams) => Interlocked.Add(ref _sendFailures, datagrams);

    // The batch is full: it is sent under the gate.
    private void SendCurrent(bool keepsRoom)
    {
        lock (_sendLock)
        {
            _current.Seal();
            SendAll(_current);
            _current.Clear(keepsRoom);
        }
    }
}
