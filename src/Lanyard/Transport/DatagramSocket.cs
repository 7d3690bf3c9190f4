using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>One UDP socket of the machine. One thread receives; sending is under the gate.</summary>
internal sealed class DatagramSocket : IDisposable
{
    private const int BufferBytes = 4 << 20;
    private const int MaxAddressesKept = 1_024;
    private const int WindowsReportUnreachable = -1744830452; // SIO_UDP_CONNRESET

    private readonly Socket _socket;
    private readonly short _defaultTimeToLive;

#if NET
    private readonly Dictionary<InetEndpoint, SocketAddress> _addresses = [];
    private readonly SocketAddress _receivedFrom;
    private SocketAddress? _lastAddress;
#else
    private readonly Dictionary<InetEndpoint, PreparedEndPoint> _addresses = [];
    private readonly PreparedEndPoint _receivedFrom;
    private readonly SocketAddress _anySource;
    private readonly byte[] _sendBuffer = new byte[DatagramBatch.SlotBytes];
    private PreparedEndPoint? _lastAddress;
#endif
    private InetEndpoint _lastDestination;

    private DatagramSocket(Socket socket)
    {
        _socket = socket;
        LocalEndpoint = InetEndpoint.FromIPEndPoint((IPEndPoint)socket.LocalEndPoint!);
        _defaultTimeToLive = socket.Ttl;
#if NET
        _receivedFrom = new SocketAddress(socket.AddressFamily);
#else
        var any = LocalEndpoint.Address.IsV4 ? InetAddress.AnyV4 : InetAddress.AnyV6;
        _anySource = EndpointAddress.ToSocketAddress(new InetEndpoint(any, 0));
        _receivedFrom = new PreparedEndPoint(_anySource);
#endif
    }

    /// <summary>The address (unspecified where it is bound to all of its family) and port that it is bound to.</summary>
    public InetEndpoint LocalEndpoint { get; }

    public InetFamily Family => LocalEndpoint.Address.Family;

    /// <exception cref="SocketException">It cannot be bound.</exception>
    public static DatagramSocket Bind(IPEndPoint local)
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
            return new DatagramSocket(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Waits for a datagram, then takes those that have come as well.</summary>
    /// <exception cref="SocketException">Receiving failed.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public void Receive(DatagramBatch batch)
    {
        batch.Clear();
        do
        {
            var length = ReceiveOne(batch, out var source);
            if (!source.IsNone)
                batch.Add(length, source);
        }
        while (batch.HasRoom && _socket.Available > 0);
    }

    /// <summary>Sends a datagram. Under the gate.</summary>
    /// <param name="destination">Where to.</param>
    /// <param name="datagram">The UDP payload.</param>
    /// <param name="timeToLive">The IP time to live; 0 for the system's.</param>
    /// <returns>Whether the system took it.</returns>
    public bool Send(in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive)
    {
        try
        {
            if (timeToLive == 0)
            {
                SendOne(destination, datagram);
                return true;
            }

            _socket.Ttl = (short)timeToLive;
            try
            {
                SendOne(destination, datagram);
            }
            finally
            {
                _socket.Ttl = _defaultTimeToLive;
            }

            return true;
        }
        catch (SocketException)
        {
            // No route at the moment, a full queue, an address that the system refuses: as good as lost on the way.
            return false;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>Has a thread that waits in <see cref="Receive"/> look around: it gets an empty datagram from this very socket.</summary>
    public void WakeReceiver()
    {
        var address = LocalEndpoint.Address;
        if (address.IsUnspecified)
            address = address.IsV4 ? InetAddress.FromV4(0x7f000001) : InetAddress.FromV6(0, 1);
        Send(new InetEndpoint(address, LocalEndpoint.Port), default, timeToLive: 0);
    }

    public void Dispose() => _socket.Dispose();

#if NET
    private int ReceiveOne(DatagramBatch batch, out InetEndpoint source)
    {
        var length = _socket.ReceiveFrom(batch.Array.AsSpan(batch.NextOffset, DatagramBatch.SlotBytes), SocketFlags.None, _receivedFrom);
        source = EndpointAddress.Read(_receivedFrom);
        return length;
    }

    private void SendOne(in InetEndpoint destination, ReadOnlySpan<byte> datagram)
    {
        if (_lastAddress is null || destination != _lastDestination)
        {
            if (!_addresses.TryGetValue(destination, out var address))
            {
                if (_addresses.Count >= MaxAddressesKept)
                    _addresses.Clear();
                address = EndpointAddress.ToSocketAddress(destination);
                _addresses.Add(destination, address);
            }

            _lastAddress = address;
            _lastDestination = destination;
        }

        _socket.SendTo(datagram, SocketFlags.None, _lastAddress);
    }
#else
    private int ReceiveOne(DatagramBatch batch, out InetEndpoint source)
    {
        _receivedFrom.Create(_anySource);
        EndPoint from = _receivedFrom;
        var length = _socket.ReceiveFrom(batch.Array, batch.NextOffset, DatagramBatch.SlotBytes, SocketFlags.None, ref from);
        source = EndpointAddress.Read(_receivedFrom.Address);
        return length;
    }

    private void SendOne(in InetEndpoint destination, ReadOnlySpan<byte> datagram)
    {
        if (_lastAddress is null || destination != _lastDestination)
        {
            if (!_addresses.TryGetValue(destination, out var address))
            {
                if (_addresses.Count >= MaxAddressesKept)
                    _addresses.Clear();
                address = new PreparedEndPoint(EndpointAddress.ToSocketAddress(destination));
                _addresses.Add(destination, address);
            }

            _lastAddress = address;
            _lastDestination = destination;
        }

        datagram.CopyTo(_sendBuffer);
        _socket.SendTo(_sendBuffer, 0, datagram.Length, SocketFlags.None, _lastAddress);
    }
#endif
}
