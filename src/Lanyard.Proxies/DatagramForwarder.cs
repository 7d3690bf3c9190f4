using System.Buffers;
using System.Diagnostics;
using Lanyard.Primitives;
using Microsoft.Extensions.Logging;

namespace Lanyard.Proxies;

/// <summary>
/// Forwards the datagrams of a UDP port. Each sender has its own port on the other side, so that answers reach it, as long as there is traffic. If a program of this
/// machine closes its port and another user's program takes it, the next check, at most a second later, ends the forwarding of the first sender.
/// </summary>
internal sealed class DatagramForwarder : IAsyncDisposable
{
    private const int OwnerCheckMs = 1_000;

    // The number of new senders in a second whose owners are looked up at once; the next sweep checks the others.
    private const int MaxLooksInSecond = 50;

    private readonly DatagramEnd _end;
    private readonly ProxyRouter _router;
    private readonly LanyardForward _forward;
    private readonly ProxyDestination _destination;
    private readonly LanyardForwardOptions _options;
    private readonly LanyardProxyCounters _counters;
    private readonly ILogger _logger;
    private readonly Dictionary<InetEndpoint, Sender> _senders = [];
    private readonly CancellationTokenSource _over = new();
    private readonly Timer _sweep;
    private readonly Task _receiving;
    private int _looks;
    private long _looksSinceMs;

    /// <summary>Starts to forward.</summary>
    /// <param name="end">The port; disposed of at the end.</param>
    /// <param name="router">Finds the destination.</param>
    /// <param name="forward">The port and its destination.</param>
    /// <param name="options">The options.</param>
    /// <param name="counters">The counters.</param>
    /// <param name="logger">The log for failures.</param>
    public DatagramForwarder(
        DatagramEnd end, ProxyRouter router, LanyardForward forward, LanyardForwardOptions options, LanyardProxyCounters counters, ILogger logger)
    {
        _end = end;
        _router = router;
        _forward = forward;
        _destination = new ProxyDestination(forward.Host, default, forward.HostPort);
        _options = options;
        _counters = counters;
        _logger = logger;
        var interval = TimeSpan.FromMilliseconds(Math.Clamp(options.UdpIdleTimeout.TotalMilliseconds / 8, 20, end is HostDatagramEnd ? OwnerCheckMs : 30_000));
        _sweep = new Timer(static forwarder => ((DatagramForwarder)forwarder!).Sweep(), this, interval, interval);
        _receiving = Task.Run(ReceiveAsync);
    }

    /// <summary>Closes the port and the ports of the senders.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_over.IsCancellationRequested)
            return;
        _over.Cancel();
        _end.Dispose();
        _sweep.Dispose();
        await _receiving.ConfigureAwait(false);
        Sender[] left;
        lock (_senders)
        {
            left = [.. _senders.Values];
            _senders.Clear();
        }

        foreach (var sender in left)
            End(sender);
        _over.Dispose();
    }

    private async Task ReceiveAsync()
    {
        var buffer = ArrayPool<byte>.Shared.Rent(DatagramEnd.MaxBytes);
        try
        {
            while (true)
            {
                var (length, source) = await _end.ReceiveAsync(buffer, 0).ConfigureAwait(false);
                if (await FindSenderAsync(source).ConfigureAwait(false) is not { } sender)
                {
                    _counters.Add(LanyardProxyCounter.DatagramsDroppedUnreachable);
                    continue;
                }

                sender.Touch();
                var isSent = sender.End.TrySend(buffer.AsSpan(0, length), sender.Destination);
                _counters.Add(isSent ? LanyardProxyCounter.DatagramsFromClients : LanyardProxyCounter.DatagramsDroppedUnreachable);
            }
        }
        catch (Exception over) when (StreamEnd.IsFailure(over))
        {
            // The forward has ended, or the network was left.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // Returns null if the destination cannot be found. While its name is resolved, datagrams are queued in the buffer of the port.
    private async ValueTask<Sender?> FindSenderAsync(InetEndpoint source)
    {
        lock (_senders)
        {
            if (_senders.TryGetValue(source, out var known))
                return known;
        }

        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(_over.Token);
            patience.CancelAfter(_options.ConnectTimeout);
            var (network, addresses) = await _router.FindAsync(_destination, patience.Token).ConfigureAwait(false);
            var destination = new InetEndpoint(addresses[0], _destination.Port);
            DatagramEnd end = network is null ? HostDatagramEnd.OpenTowards(destination.Address) : NetworkDatagramEnd.Open(network);
            var sender = new Sender(source, destination, end);
            if (IsOfThisMachine(sender) && Interlocked.Increment(ref _looks) <= MaxLooksInSecond && HostSocketOwners.TryReadUdp() is { } owners)
                sender.LookAt(owners);
            Add(sender);
            _ = AnswerAsync(sender);
            return sender;
        }
        catch (Exception failure) when (failure is LanyardException or ProxyException || (failure is OperationCanceledException && !_over.IsCancellationRequested))
        {
            _counters.Add(LanyardProxyCounter.Unreachable);
            ProxyLog.ForwardFailed(_logger, _forward, source, failure.Message);
            return null;
        }
    }

    private void Add(Sender sender)
    {
        Sender? oldest = null;
        lock (_senders)
        {
            if (_senders.Count >= _options.MaxConnections)
            {
                foreach (var other in _senders.Values)
                {
                    if (oldest is null || other.LastMs < oldest.LastMs)
                        oldest = other;
                }

                _senders.Remove(oldest!.Source);
            }

            _senders.Add(sender.Source, sender);
            _counters.Add(LanyardProxyCounter.Accepted);
            _counters.AddActive(1);
        }

        if (oldest is null)
            return;
        _counters.Add(LanyardProxyCounter.OverLimit);
        End(oldest);
    }

    private async Task AnswerAsync(Sender sender)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(DatagramEnd.MaxBytes);
        try
        {
            while (true)
            {
                var (length, source) = await sender.End.ReceiveAsync(buffer, 0).ConfigureAwait(false);
                if (source != sender.Destination)
                {
                    _counters.Add(LanyardProxyCounter.DatagramsDroppedSource);
                    continue;
                }

                sender.Touch();
                var isSent = _end.TrySend(buffer.AsSpan(0, length), sender.Source);
                _counters.Add(isSent ? LanyardProxyCounter.DatagramsToClients : LanyardProxyCounter.DatagramsDroppedUnreachable);
            }
        }
        catch (Exception over) when (StreamEnd.IsFailure(over))
        {
            // The sender was silent for too long, the forward has ended, or the network was left.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Sweep()
    {
        var before = ServedConnection.NowMs - (long)_options.UdpIdleTimeout.TotalMilliseconds;
        Sender[] over;
        Sender[] local;
        lock (_senders)
        {
            over = [.. _senders.Values.Where(sender => sender.LastMs < before)];
            local = [.. _senders.Values.Where(IsOfThisMachine)];
        }

        if (ServedConnection.NowMs - _looksSinceMs >= OwnerCheckMs)
        {
            _looksSinceMs = ServedConnection.NowMs;
            Volatile.Write(ref _looks, 0);
        }

        if (local.Length > 0 && HostSocketOwners.TryReadRecentUdp() is { } owners)
            over = [.. over.Union(local.Where(sender => !sender.LookAt(owners)))];
        lock (_senders)
            over = [.. over.Where(sender => _senders.TryGetValue(sender.Source, out var current) && current == sender && _senders.Remove(sender.Source))];
        foreach (var sender in over)
            End(sender);
    }

    private bool IsOfThisMachine(Sender sender) => _end is HostDatagramEnd && sender.Source.Address.IsLoopback;

    private void End(Sender sender)
    {
        sender.End.Dispose();
        _counters.AddActive(-1);
    }

    private sealed class Sender(InetEndpoint source, InetEndpoint destination, DatagramEnd end)
    {
        private readonly long _createdTimestamp = Stopwatch.GetTimestamp();
        private long _lastMs = ServedConnection.NowMs;
        private bool _isLookedAt;
        private uint? _user;

        public InetEndpoint Source { get; } = source;

        public InetEndpoint Destination { get; } = destination;

        public DatagramEnd End { get; } = end;

        public long LastMs => Volatile.Read(ref _lastMs);

        public void Touch() => Volatile.Write(ref _lastMs, ServedConnection.NowMs);

        /// <summary>Looks up the user who owns the sender's port. Not thread-safe.</summary>
        /// <returns>Whether the user is the same as at the first lookup.</returns>
        public bool LookAt(HostSocketOwners owners)
        {
            if (owners.Timestamp < _createdTimestamp)
                return true;
            var user = owners.FindSender(Source);
            if (!_isLookedAt)
                (_isLookedAt, _user) = (true, user);
            return user is not null && user == _user;
        }
    }
}
