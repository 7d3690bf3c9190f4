using System.Net.Sockets;
using Lanyard.NetStack;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// A program's loopback connection and the virtual connection that carries it. The program's kernel detects a vanished peer as it would on a direct connection
/// (<c>ETIMEDOUT</c> after the times that the program has set): while the peer does not answer, the service's end of the loopback connection does not answer either.
/// </summary>
internal sealed class ProgramConnection
{
    // The number of consecutive unanswered retransmissions after which the peer counts as silent.
    private const int SuspiciousTimeouts = 2;

    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan SilentPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private ProgramSocketOptions? _options;
    private Socket? _program;
    private LanyardStream? _stream;
    private Timer? _timer;
    private bool _isBlackHole;
    private bool _isOver;

    /// <summary>Sets the options of the program's socket. They apply now, or once the connection is open.</summary>
    public void Set(ProgramSocketOptions options)
    {
        lock (_lock)
        {
            _options = options;
            Apply();
        }
    }

    /// <summary>Relays data until both directions end. Takes ownership of both sockets.</summary>
    public async Task CarryAsync(Socket program, LanyardStream stream)
    {
        lock (_lock)
        {
            (_program, _stream) = (program, stream);
            Apply();
        }

        try
        {
            await stream.RelayAsync(program).ConfigureAwait(false);
        }
        finally
        {
            lock (_lock)
            {
                _isOver = true;
                _timer?.Dispose();
            }
        }
    }

    // Runs under the lock.
    private void Apply()
    {
        if (_isOver || _stream is not { } stream || _options is not { } options)
            return;
        stream.Options = options.Of(stream.Options, stream.RemoteEndPoint.AddressFamily);
        if (options.IsKeptAlive || options.UserTimeout > TimeSpan.Zero)
            (_timer ??= new Timer(static connection => ((ProgramConnection)connection!).Look(), this, Timeout.Infinite, Timeout.Infinite)).Change(0, Timeout.Infinite);
        else
            _timer?.Change(0, Timeout.Infinite);
    }

    private void Look()
    {
        lock (_lock)
        {
            if (_isOver || _options is not { } options)
                return;
            var (isSilent, pause) = Judge(options, _stream!.Info);
            SetBlackHole(isSilent);
            if (pause is { } time)
                _timer!.Change(time < ShortestPause ? ShortestPause : time, Timeout.InfiniteTimeSpan);
        }
    }

    // Whether the peer is silent although it should answer, and the time until the next check; null for none.
    private static (bool IsSilent, TimeSpan? Pause) Judge(ProgramSocketOptions options, in TcpInfo info)
    {
        if (info.BytesInFlight > 0 || info.BytesUnsent > 0)
        {
            // As on the system's network, keepalive is idle while data is in flight.
            if (options.UserTimeout > TimeSpan.Zero)
                return info.ConsecutiveTimeouts < SuspiciousTimeouts ? (false, Shorter(options.UserTimeout / 16, LongestPause)) : (true, ShortestPause);
            return (false, options.IsKeptAlive ? Shorter(options.Idle / 4, LongestPause) : null);
        }

        if (!options.IsKeptAlive)
            return (false, options.UserTimeout > TimeSpan.Zero ? Shorter(options.UserTimeout / 16, LongestPause) : null);
        // The peer has been probed, and half of the lead over the program's kernel has passed.
        var silence = TimeSpan.FromMicroseconds(Math.Max(0, info.SinceAcknowledgment));
        var patience = options.Idle - (options.Lead / 2);
        return silence < patience || info.UnansweredProbes == 0 ? (false, patience - silence) : (true, Shorter(options.Interval / 4, SilentPause));
    }

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;

    // Runs under the lock.
    private void SetBlackHole(bool isBlackHole)
    {
        if (_isBlackHole == isBlackHole)
            return;
        _isBlackHole = isBlackHole;
        try
        {
            LoopbackSockets.SetBlackHole(_program!, isBlackHole);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The connection has ended.
        }
    }
}
