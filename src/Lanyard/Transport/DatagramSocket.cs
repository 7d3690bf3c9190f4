using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>A UDP socket of this machine. One thread receives.</summary>
internal abstract class DatagramSocket : DatagramSender, IDisposable
{
    /// <summary>The longest datagram in bytes that nodes send, with room to see that one is too long.</summary>
    public const int MaxDatagramBytes = 10_240;

    private const int BufferBytes = 4 << 20;
    private const int WindowsReportUnreachable = -1744830452; // SIO_UDP_CONNRESET

    private readonly short _defaultTimeToLive;

    /// <param name="socket">The bound socket.</param>
    /// <param name="batchBytes">The size of a batch in bytes.</param>
    private protected DatagramSocket(Socket socket, int batchBytes)
        : base(InetEndpoint.FromIPEndPoint((IPEndPoint)socket.LocalEndPoint!), batchBytes)
    {
        Socket = socket;
        _defaultTimeToLive = socket.Ttl;
    }

    /// <summary>The IP time to live of datagrams that are given none.</summary>
    public int SystemTimeToLive => Socket.Ttl;

    protected Socket Socket { get; }

    /// <summary>Binds a socket.</summary>
    /// <param name="local">The local endpoint.</param>
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

    /// <summary>Wakes the thread that waits in <see cref="Receive"/>, by an empty datagram from the socket to itself.</summary>
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

    /// <summary>Sends a datagram.</summary>
    private protected abstract void SendNow(in InetEndpoint destination, ReadOnlySpan<byte> datagram);

    private protected sealed override void SendNow(in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive)
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
