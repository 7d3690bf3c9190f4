using System.Net;
using Lanyard.Primitives;
using Microsoft.Extensions.Logging;

namespace Lanyard.Proxies;

/// <summary>Everything that proxies and forwards log.</summary>
internal static partial class ProxyLog
{
    [LoggerMessage(101, LogLevel.Information, "The proxy listens on {Endpoint} ({Protocols}).")]
    public static partial void ProxyStarted(ILogger logger, IPEndPoint endpoint, LanyardProxyProtocols protocols);

    [LoggerMessage(102, LogLevel.Warning, "The proxy on {Endpoint} is open to whoever reaches that address: set a user and password.")]
    public static partial void ProxyOpen(ILogger logger, IPEndPoint endpoint);

    [LoggerMessage(103, LogLevel.Information, "Forward {Forward} listens on {Endpoint}.")]
    public static partial void ForwardStarted(ILogger logger, LanyardForward forward, IPEndPoint endpoint);

    [LoggerMessage(104, LogLevel.Warning, "Accepting a connection failed; it goes on.")]
    public static partial void AcceptFailed(ILogger logger, Exception exception);

    [LoggerMessage(105, LogLevel.Information, "Nothing is accepted any more.")]
    public static partial void ListenerEnded(ILogger logger, Exception exception);

    [LoggerMessage(106, LogLevel.Warning, "{Client} is cut off: {Limit} connections are served already.")]
    public static partial void OverLimit(ILogger logger, InetEndpoint client, int limit);

    [LoggerMessage(107, LogLevel.Information, "{Client} is cut off: {Cause}.")]
    public static partial void Cut(ILogger logger, InetEndpoint client, LanyardProxyCounter cause);

    [LoggerMessage(108, LogLevel.Information, "{Client} is refused: {Reason}")]
    public static partial void Refused(ILogger logger, InetEndpoint client, string reason);

    [LoggerMessage(109, LogLevel.Debug, "The connection of {Client} failed: {Reason}")]
    public static partial void Failed(ILogger logger, InetEndpoint client, string reason);

    [LoggerMessage(110, LogLevel.Debug, "{Client} is connected to {Destination}.")]
    public static partial void Connected(ILogger logger, InetEndpoint client, string destination);

    [LoggerMessage(112, LogLevel.Warning, "Forward {Forward}: {Client} has no way to its destination. {Reason}")]
    public static partial void ForwardFailed(ILogger logger, LanyardForward forward, InetEndpoint client, string reason);

    [LoggerMessage(111, LogLevel.Error, "A proxy, forward or redirected connection failed at an unexpected place; it goes on. Please report this.")]
    public static partial void InternalError(ILogger logger, Exception exception);
}
