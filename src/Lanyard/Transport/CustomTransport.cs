using System.Net;
using Lanyard.Primitives;
using Microsoft.Extensions.Logging;

namespace Lanyard;

/// <summary>A node's datagrams over an <see cref="ILanyardTransport"/>.</summary>
internal sealed class CustomTransport : NodeTransport, ILanyardDatagramReceiver
{
    private readonly ILanyardTransport _transport;
    private readonly InetEndpoint[] _local;
    private ITransportReceiver? _receiver;

    /// <exception cref="ArgumentException">The transport has no local endpoint.</exception>
    public CustomTransport(ILanyardTransport transport, EventQueue events, ILogger logger)
        : base(logger)
    {
        _transport = transport;
        _local = [.. transport.LocalEndPoints.Select(InetEndpoint.FromIPEndPoint)];
        if (_local.Length == 0)
            throw new ArgumentException("LanyardOptions.Transport has no local endpoint.", nameof(transport));
        Use([.. _local.Select((endpoint, index) => new Sender(transport, index, endpoint, events))]);
    }

    /// <inheritdoc/>
    public override int Port => _local[0].Port;

    /// <inheritdoc/>
    public override void Start(string name, ITransportReceiver receiver)
    {
        _receiver = receiver;
        _transport.Start(this);
    }

    /// <inheritdoc/>
    public override LocalInterfaces ReadInterfaces(IReadOnlyList<string> excludedPrefixes) =>
        LocalInterfaces.None with { Addresses = [.. _local.Select(endpoint => endpoint.Address).Distinct()] };

    /// <inheritdoc/>
    public override void Dispose() => _transport.Dispose();

    void ILanyardDatagramReceiver.OnReceived(int local, IPEndPoint remote, Span<byte> datagram)
    {
        ArgumentNullException.ThrowIfNull(remote);
        if ((uint)local >= (uint)_local.Length)
            throw new ArgumentOutOfRangeException(nameof(local), local, "The transport has no such local endpoint.");
        _receiver!.OnReceived(local, InetEndpoint.FromIPEndPoint(remote), datagram);
    }

    void ILanyardDatagramReceiver.OnNetworkChanged() => _receiver!.OnNetworkChanged();

    private sealed class Sender(ILanyardTransport transport, int index, InetEndpoint local, EventQueue events) : DatagramSender(local, BatchBytes)
    {
        private const int BatchBytes = 128 * 1024;
        private const int MaxEndPointsKept = 1_024;

        // Under the lock for sending.
        private readonly Dictionary<InetEndpoint, IPEndPoint> _endPoints = [];
        private bool _hasThrown;

        private protected override bool CanJoin => true;

        private protected override void SendAll(SendBatch batch)
        {
            foreach (ref readonly var group in batch.Groups)
            {
                for (var offset = 0; offset < group.TotalBytes; offset += group.DatagramBytes)
                    SendNow(group.Destination, batch.Bytes.AsSpan(group.Offset + offset, Math.Min(group.DatagramBytes, group.TotalBytes - offset)), timeToLive: 0);
            }
        }

        private protected override void SendNow(in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive)
        {
            if (!_endPoints.TryGetValue(destination, out var remote))
            {
                if (_endPoints.Count >= MaxEndPointsKept)
                    _endPoints.Clear();
                _endPoints.Add(destination, remote = destination.ToIPEndPoint());
            }

            var isAccepted = false;
            try
            {
                isAccepted = transport.Send(index, remote, datagram, timeToLive);
            }
#pragma warning disable CA1031 // A transport of the application may throw any exception. It must not end the thread, which may hold the gate: the datagram is lost and counted.
            catch (Exception e)
#pragma warning restore CA1031
            {
                // Log the first exception only: a broken transport throws for each datagram.
                if (!_hasThrown)
                    events.Log(logger => Log.TransportFailed(logger, e));
                _hasThrown = true;
            }

            if (!isAccepted)
                CountFailures(1);
        }
    }
}
