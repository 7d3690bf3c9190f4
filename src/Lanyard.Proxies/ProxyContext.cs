using System.Buffers;
using Microsoft.Extensions.Logging;

namespace Lanyard.Proxies;

/// <summary>The state that the sessions of a proxy share.</summary>
internal sealed class ProxyContext(LanyardProxyOptions options, ProxyRouter router, ILogger logger)
{
    // The hard deadline for a client that has been sent the last bytes.
    private static readonly TimeSpan LingerTime = TimeSpan.FromSeconds(2);

    // Added to the time limit for connecting, which the connection attempt itself enforces.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    public LanyardProxyOptions Options { get; } = options;

    public ProxyRouter Router { get; } = router;

    public ILogger Logger { get; } = logger;

    public LanyardProxyCounters Counters { get; } = new();

    /// <summary>The credentials that clients must send; null if none are required.</summary>
    public ProxyCredentials? Credentials { get; } = options.UserName is null ? null : new ProxyCredentials(options.UserName, options.Password!);

    /// <summary>Connects a client to its destination.</summary>
    /// <exception cref="ProxyException">The connection failed; the failure is counted and logged.</exception>
    public async Task<StreamEnd> ConnectAsync(ServedConnection connection, ProxyDestination destination)
    {
        connection.SetDeadline(Options.ConnectTimeout + Grace, LanyardProxyCounter.Unreachable);
        try
        {
            var other = await Router.ConnectAsync(destination, Options.ConnectTimeout, connection.Token).ConfigureAwait(false);
            connection.Attach(other);
            Counters.Add(LanyardProxyCounter.Connected);
            ProxyLog.Connected(Logger, connection.Client.Remote, destination.ToString());
            return other;
        }
        catch (ProxyException failure)
        {
            Note(connection, failure);
            throw;
        }
    }

    /// <summary>Counts and logs that a client's request was refused or failed.</summary>
    public void Note(ServedConnection connection, ProxyException failure)
    {
        Counters.Add(failure.Failure == ProxyFailure.NotAllowed ? LanyardProxyCounter.NotAllowed : LanyardProxyCounter.Unreachable);
        ProxyLog.Refused(Logger, connection.Client.Remote, failure.Message);
    }

    /// <summary>Relays between a client and the other end until both have finished.</summary>
    public Task RelayAsync(ServedConnection connection, StreamEnd client, StreamEnd other, bool endsWithOther = false)
    {
        connection.SetIdleTimeout(Options.IdleTimeout, LanyardProxyCounter.IdleTimedOut);
        return DuplexRelay.RunAsync(client, other, connection, endsWithOther ? () => connection.SetHardDeadline(LingerTime) : null);
    }

    /// <summary>Closes a connection with a lingering close: the client can still read the answer (RFC 9112 section 9.6).</summary>
    public static async Task CloseLingeringAsync(ServedConnection connection, StreamEnd client)
    {
        connection.SetHardDeadline(LingerTime);
        client.ShutdownSend();
        var scratch = ArrayPool<byte>.Shared.Rent(4_096);
        try
        {
            while (await client.ReadAsync(scratch).ConfigureAwait(false) > 0)
            {
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }
}
