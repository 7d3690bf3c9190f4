using System.Net;
using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>A UDP socket by the framework's calls: one for each datagram, on every system.</summary>
internal sealed class PlainDatagramSocket : DatagramSocket
{
    // Few enough to stay in the processor's cache and to keep others waiting for the gate but briefly.
    private const int BatchDatagrams = 32;
    private const int SendBytes = 64 * 1024;
    private const int MaxAddressesKept = 1_024;

#if NET
    private readonly Dictionary<InetEndpoint, SocketAddress> _addresses = [];
    private readonly SocketAddress _receivedFrom;
    private SocketAddress? _lastAddress;
#else
    private readonly Dictionary<InetEndpoint, PreparedEndPoint> _addresses = [];
    private readonly PreparedEndPoint _receivedFrom;
    private readonly SocketAddress _anySource;
    private readonly byte[] _sendBuffer = new byte[MaxDatagramBytes];
    private PreparedEndPoint? _lastAddress;
#endif
    private InetEndpoint _lastDestination;

    public PlainDatagramSocket(Socket socket)
        : base(socket, SendBytes)
    {
#if NET
        _receivedFrom = new SocketAddress(socket.AddressFamily);
#else
        var any = LocalEndpoint.Address.IsV4 ? InetAddress.AnyV4 : InetAddress.AnyV6;
        _anySource = EndpointAddress.ToSocketAddress(new InetEndpoint(any, 0));
        _receivedFrom = new PreparedEndPoint(_anySource);
#endif
    }

    public override DatagramBatch CreateBatch() => new(BatchDatagrams * MaxDatagramBytes, BatchDatagrams);

    public override void Receive(DatagramBatch batch)
    {
        batch.Clear();
        var offset = 0;
        do
        {
            var length = ReceiveOne(batch, offset, out var source);
            if (!source.IsNone)
                batch.Add(offset, length, length, source);
            offset += length;
        }
        while (batch.HasRoom && offset <= batch.Bytes.Length - MaxDatagramBytes && Socket.Available > 0);
    }

    // Each datagram needs a call of its own, but the datagrams of one packet still lie one behind the other.
    private protected override bool CanJoin => true;

    private protected override void SendAll(SendBatch batch)
    {
        foreach (ref readonly var group in batch.Groups)
        {
            for (var offset = 0; offset < group.TotalBytes; offset += group.DatagramBytes)
                SendNow(group.Destination, batch.Bytes.AsSpan(group.Offset + offset, Math.Min(group.DatagramBytes, group.TotalBytes - offset)));
        }
    }

    private protected override void SendNow(in InetEndpoint destination, ReadOnlySpan<byte> datagram)
    {
        try
        {
            SendOne(destination, datagram);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // No route at the moment, a full queue, an address that the system refuses: the datagram is lost.
            CountFailures(1);
        }
    }

#if NET
    private int ReceiveOne(DatagramBatch batch, int offset, out InetEndpoint source)
    {
        var length = Socket.ReceiveFrom(batch.Bytes.AsSpan(offset, MaxDatagramBytes), SocketFlags.None, _receivedFrom);
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

        Socket.SendTo(datagram, SocketFlags.None, _lastAddress);
    }
#else
    private int ReceiveOne(DatagramBatch batch, int offset, out InetEndpoint source)
    {
        _receivedFrom.Create(_anySource);
        EndPoint from = _receivedFrom;
        var length = Socket.ReceiveFrom(batch.Bytes, offset, MaxDatagramBytes, SocketFlags.None, ref from);
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
        Socket.SendTo(_sendBuffer, 0, datagram.Length, SocketFlags.None, _lastAddress);
    }
#endif
}
