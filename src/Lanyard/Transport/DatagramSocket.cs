using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Lanyard.Engine.Packets;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>
/// One UDP socket of the machine. One thread receives. Datagrams to be sent are added to a batch under the gate. A thread that leaves the gate takes the batch
/// (<see cref="BeginFlush"/>), and seals and sends it afterwards (<see cref="EndFlush"/>), while other threads fill another batch. Batches are sent in order.
/// </summary>
internal abstract class DatagramSocket : IDisposable
{
    /// <summary>The longest datagram in bytes that nodes send, with room to see that one is too long.</summary>
    public const int MaxDatagramBytes = 10_240;

    private const int BufferBytes = 4 << 20;
    private const int WindowsReportUnreachable = -1744830452; // SIO_UDP_CONNRESET

    private readonly short _defaultTimeToLive;

    // Taken after the gate, and held beyond it: a thread that holds it never waits for the gate.
    private readonly object _sendLock = new();
    private SendBatch _current;
    private SendBatch _other;
    private long _sendFailures;

    /// <param name="socket">The bound socket.</param>
    /// <param name="batchBytes">The size of a batch in bytes.</param>
    private protected DatagramSocket(Socket socket, int batchBytes)
    {
        _current = new SendBatch(batchBytes);
        _other = new SendBatch(batchBytes);
        Socket = socket;
        LocalEndpoint = InetEndpoint.FromIPEndPoint((IPEndPoint)socket.LocalEndPoint!);
        _defaultTimeToLive = socket.Ttl;
    }

    /// <summary>The address (unspecified where it is bound to all of its family) and port that it is bound to.</summary>
    public InetEndpoint LocalEndpoint { get; }

    public InetFamily Family => LocalEndpoint.Address.Family;

    /// <summary>Datagrams that the system did not take.</summary>
    public long SendFailures => Interlocked.Read(ref _sendFailures);

    /// <summary>The IP time to live of datagrams that are given none.</summary>
    public int SystemTimeToLive => Socket.Ttl;

    protected Socket Socket { get; }

    /// <summary>Binds a socket.</summary>
    /// <param name="local">Where to.</param>
    /// <param name="batch">Whether to use the system's calls for many datagrams at once, where it has them.</param>
    /// <exception cref="SocketException">It cannot be bound.</exception>
    public static DatagramSocket Bind(IPEndPoint local, bool batch)
    {
        var socket = new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (local.AddressFamily == AddressFamily.InterNetworkV6)
                socket.DualMode = false;
            // Without this a datagram to a port that nobody has makes the next receive fail there.
            if (RuntimeInformation.IsOSPlatform(OSPlatform.Windows))
                socket.IOControl(WindowsReportUnreachable, [0, 0, 0, 0], null);
            socket.ReceiveBufferSize = BufferBytes;
            socket.SendBufferSize = BufferBytes;
            socket.Bind(local);
#if NET
            if (batch && LinuxDatagramSocket.IsSupported)
                return new LinuxDatagramSocket(socket);
#endif
            return new PlainDatagramSocket(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Makes room for what <see cref="Receive"/> receives.</summary>
    public abstract DatagramBatch CreateBatch();

    /// <summary>Waits for a datagram, then takes those that have come as well.</summary>
    /// <param name="batch">From <see cref="CreateBatch"/>.</param>
    /// <exception cref="SocketException">Receiving failed.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public abstract void Receive(DatagramBatch batch);

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
        {
            try
            {
                Socket.Ttl = (short)timeToLive;
                SendNow(destination, datagram);
                Socket.Ttl = _defaultTimeToLive;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                CountFailures(1);
            }
        }
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

    /// <summary>Has a thread that waits in <see cref="Receive"/> look around: it gets an empty datagram from this very socket.</summary>
    public void WakeReceiver()
    {
        var address = LocalEndpoint.Address;
        if (address.IsUnspecified)
            address = address.IsV4 ? InetAddress.FromV4(0x7f000001) : InetAddress.FromV6(0, 1);
        try
        {
            Socket.SendTo([], new InetEndpoint(address, LocalEndpoint.Port).ToIPEndPoint());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The caller tries again, and closes the socket in the end.
        }
    }

    public virtual void Dispose() => Socket.Dispose();

    /// <summary>Whether the system sends datagrams of one length to one destination with one call.</summary>
    private protected abstract bool CanJoin { get; }

    /// <summary>Sends the datagrams of a batch.</summary>
    private protected abstract void SendAll(SendBatch batch);

    /// <summary>Sends a datagram.</summary>
    private protected abstract void SendNow(in InetEndpoint destination, ReadOnlySpan<byte> datagram);

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
