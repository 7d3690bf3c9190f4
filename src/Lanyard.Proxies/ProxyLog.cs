using System.Net;
using Lanyard.Primitives;
using Microsoft.Extensions.Logging;

namespace Lanyard.Proxies;

/// <summary>The log messages of proxies and forwards.</summary>
internal static partial class ProxyLog
{
    [LoggerMessage(101, LogLevel.Information, "Proxy listening on {Endpoint} ({Protocols}).")]
    public static partial void ProxyStarted(ILogger logger, IPEndPoint endpoint, LanyardProxyProtocols protocols);

    [LoggerMessage(102, LogLevel.Warning, "Proxy on {Endpoint} accepts any client that reaches the address. Set a user and password.")]
    public static partial void ProxyOpen(ILogger logger, IPEndPoint endpoint);

    [LoggerMessage(103, LogLevel.Information, "Forward {Forward} listening on {Endpoint}.")]
    public static partial void ForwardStarted(ILogger logger, LanyardForward forward, IPEndPoint endpoint);

    [LoggerMessage(104, LogLevel.Warning, "Could not accept a connection; retrying.")]
    public static partial void AcceptFailed(ILogger logger, Exception exception);

    [LoggerMessage(105, LogLevel.Information, "Listener closed.")]
    public static partial void ListenerEnded(ILogger logger, Exception exception);

    [LoggerMessage(106, LogLevel.Warning, "Cut off {Client}: the limit of {Limit} connections is reached.")]
    public static partial void OverLimit(ILogger logger, InetEndpoint client, int limit);

    [LoggerMessage(107, LogLevel.Information, "Cut off {Client}: {Cause}.")]
    public static partial void Cut(ILogger logger, InetEndpoint client, LanyardProxyCounter cause);

    [LoggerMessage(108, LogLevel.Information, "Refused {Client}: {Reason}")]
    public static partial void Refused(ILogger logger, InetEndpoint client, string reason);

    [LoggerMessage(109, LogLevel.Debug, "The connection of {Client} failed: {Reason}")]
    public static partial void Failed(ILogger logger, InetEndpoint client, string reason);

    [LoggerMessage(110, LogLevel.Debug, "Connected {Client} to {Destination}.")]
    public static partial void Connected(ILogger logger, InetEndpoint client, string destination);

    [LoggerMessage(112, LogLevel.Warning, "Forward {Forward} cannot connect {Client} to its destination. {Reason}")]
    public static partial void ForwardFailed(ILogger logger, LanyardForward forward, InetEndpoint client, string reason);

    [LoggerMessage(111, LogLevel.Error, "Unhandled internal error in a proxy, forward or redirected connection; others continue. Please report this.")]
    public static partial void InternalError(ILogger logger, Exception exception);
}
