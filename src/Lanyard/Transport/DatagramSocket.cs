using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>
/// One UDP socket of the machine. One thread receives; sending is under the gate, and what was sent may lie here until <see cref="Flush"/>.
/// </summary>
internal abstract class DatagramSocket : IDisposable
{
    /// <summary>The longest datagram in bytes that nodes send, with room to see that one is too long.</summary>
    public const int MaxDatagramBytes = 10_240;

    private const int BufferBytes = 4 << 20;
    private const int WindowsReportUnreachable = -1744830452; // SIO_UDP_CONNRESET

    private readonly short _defaultTimeToLive;

    protected DatagramSocket(Socket socket)
    {
        Socket = socket;
        LocalEndpoint = InetEndpoint.FromIPEndPoint((IPEndPoint)socket.LocalEndPoint!);
        _defaultTimeToLive = socket.Ttl;
    }

    /// <summary>The address (unspecified where it is bound to all of its family) and port that it is bound to.</summary>
    public InetEndpoint LocalEndpoint { get; }

    public InetFamily Family => LocalEndpoint.Address.Family;

    /// <summary>Datagrams that the system did not take.</summary>
    public long SendFailures { get; protected set; }

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
    /// Gives room to build datagrams in, where sending them need not move them: one behind the other, from its beginning. Under the gate;
    /// the next call, or <see cref="Flush"/>, takes the room back.
    /// </summary>
    /// <param name="bytes">How much, at most 16 KiB.</param>
    /// <param name="offset">Where in the array it begins.</param>
    public abstract byte[] TakeRoom(int bytes, out int offset);

    /// <summary>Sends a datagram, at once or at the next <see cref="Flush"/>. Under the gate.</summary>
    /// <param name="destination">Where to.</param>
    /// <param name="datagram">The UDP payload.</param>
    public abstract void Send(in InetEndpoint destination, ReadOnlySpan<byte> datagram);

    /// <summary>Sends what lies here. Under the gate.</summary>
    public abstract void Flush();

    /// <summary>Sends a datagram at once with an IP time to live of its own. Under the gate.</summary>
    public void Send(in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive)
    {
        Flush();
        try
        {
            Socket.Ttl = (short)timeToLive;
            Send(destination, datagram);
            Flush();
            Socket.Ttl = _defaultTimeToLive;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            SendFailures++;
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
}
