using System.Net;
using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.Primitives;
using Lanyard.Wire;
using Microsoft.Extensions.Logging;

namespace Lanyard;

/// <summary>The log events of the SDK.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Node {Address} started on {Endpoints}, state in {Store}.")]
    public static partial void Started(ILogger logger, NodeAddress address, string endpoints, string store);

    [LoggerMessage(2, LogLevel.Information, "Node {Address} ended.")]
    public static partial void Ended(ILogger logger, NodeAddress address);

    [LoggerMessage(3, LogLevel.Information, "Generated identity {Address} after {Attempts} attempts.")]
    public static partial void MadeIdentity(ILogger logger, NodeAddress address, int attempts);

    [LoggerMessage(4, LogLevel.Warning, "No planet is known, so no peer can be found. Put a 'planet' file into the state folder, or set "
        + "LanyardOptions.Planet.")]
    public static partial void NoPlanet(ILogger logger);

    [LoggerMessage(5, LogLevel.Information, "Node {Address} is online.")]
    public static partial void Online(ILogger logger, NodeAddress address);

    [LoggerMessage(6, LogLevel.Warning, "Node {Address} is offline: no root answers.")]
    public static partial void Offline(ILogger logger, NodeAddress address);

    [LoggerMessage(7, LogLevel.Debug, "Peer {Peer}: {Change} {Endpoint}.")]
    public static partial void PeerChanged(ILogger logger, NodeAddress peer, PeerChange change, InetEndpoint endpoint);

    [LoggerMessage(8, LogLevel.Information, "Network {Network} is {Status}; addresses: {Addresses}.")]
    public static partial void NetworkChanged(ILogger logger, NetworkId network, NetworkStatus status, string addresses);

    [LoggerMessage(9, LogLevel.Warning, "Network {Network}: ignoring the assigned address or route {Assigned}: {Reason}.")]
    public static partial void AssignmentNotTaken(ILogger logger, NetworkId network, InetPrefix assigned, string reason);

    [LoggerMessage(10, LogLevel.Information, "Network {Network}: MTU changed from {OldMtu} to {NewMtu} bytes.")]
    public static partial void MtuChanged(ILogger logger, NetworkId network, int oldMtu, int newMtu);

    [LoggerMessage(11, LogLevel.Information, "The network under the node changed; local endpoints: {Endpoints}.")]
    public static partial void EnvironmentChanged(ILogger logger, string endpoints);

    [LoggerMessage(12, LogLevel.Information, "Clock jumped by {Milliseconds} ms: the machine slept, or the clock was set.")]
    public static partial void ClockJumped(ILogger logger, long milliseconds);

    [LoggerMessage(13, LogLevel.Warning, "Cannot read the addresses of the network interfaces; keeping the previous ones.")]
    public static partial void InterfacesUnreadable(ILogger logger, Exception exception);

    [LoggerMessage(21, LogLevel.Debug, "The system does not report address changes; checking for them every 30 s.")]
    public static partial void ChangesUnavailable(ILogger logger, Exception exception);

    [LoggerMessage(14, LogLevel.Debug, "IPv6 is not available: {Reason}")]
    public static partial void NoIPv6(ILogger logger, string reason);

    [LoggerMessage(15, LogLevel.Warning, "Receiving on {Endpoint} failed.")]
    public static partial void ReceiveFailed(ILogger logger, InetEndpoint endpoint, Exception exception);

    [LoggerMessage(16, LogLevel.Error, "Cannot save state '{Name}'.")]
    public static partial void SaveFailed(ILogger logger, string name, Exception exception);

    [LoggerMessage(17, LogLevel.Error, "Cannot read state '{Name}'; treating it as missing.")]
    public static partial void LoadFailed(ILogger logger, string name, Exception exception);

    [LoggerMessage(18, LogLevel.Warning, "State '{Name}' is malformed; treating it as missing. The next change replaces it.")]
    public static partial void StateMalformed(ILogger logger, string name);

    [LoggerMessage(19, LogLevel.Error, "An application event handler threw.")]
    public static partial void EventHandlerFailed(ILogger logger, Exception exception);

    [LoggerMessage(29, LogLevel.Information, "UDP port {Port}, used last time, is in use. Using another port.")]
    public static partial void PortTaken(ILogger logger, int port);

    [LoggerMessage(22, LogLevel.Warning, "Network {Network}: {Other} claims {Address}, an address of this node. Defending it.")]
    public static partial void AddressContested(ILogger logger, NetworkId network, InetAddress address, MacAddress other);

    [LoggerMessage(23, LogLevel.Error, "Network {Network}: gave up {Address}, which {Other} uses as well. Have the controller assign another address.")]
    public static partial void AddressLost(ILogger logger, NetworkId network, InetAddress address, MacAddress other);

    [LoggerMessage(24, LogLevel.Warning, "The mode of '{File}' was {Mode}, so other users could read or change it. It is {Narrowed} now.")]
    public static partial void FileNarrowed(ILogger logger, string file, string mode, string narrowed);

    [LoggerMessage(25, LogLevel.Warning, "The mode of '{File}' is {Mode}, so other users can read or change it, and this user cannot change that. Have its owner set "
        + "{Narrowed}.")]
    public static partial void FileNotNarrowed(ILogger logger, string file, string mode, string narrowed);

    [LoggerMessage(26, LogLevel.Warning, "The mode of the folder '{Folder}' was {Mode}, so other users could put files there. It is {Narrowed} now.")]
    public static partial void FolderNarrowed(ILogger logger, string folder, string mode, string narrowed);

    [LoggerMessage(27, LogLevel.Warning, "The mode of the folder '{Folder}' is {Mode}, so other users can put files there and take this node's away. Use a folder of the "
        + "node's own, with mode 0700.")]
    public static partial void FolderOpen(ILogger logger, string folder, string mode);

    [LoggerMessage(28, LogLevel.Information, "Removed '{File}', left from an interrupted write.")]
    public static partial void TemporaryRemoved(ILogger logger, string file);

    [LoggerMessage(31, LogLevel.Information, "Network {Network}: ignoring its DNS for '{Domain}': {Reason}.")]
    public static partial void DnsNotTaken(ILogger logger, NetworkId network, string domain, string reason);

    [LoggerMessage(32, LogLevel.Warning, "Bind address {Address} is not an address of this machine. The node binds it when it comes up.")]
    public static partial void BindAddressMissing(ILogger logger, IPAddress address);

    [LoggerMessage(33, LogLevel.Information, "Bound UDP port {Port} of {Address}, which came up.")]
    public static partial void BoundLater(ILogger logger, IPAddress address, int port);

    [LoggerMessage(34, LogLevel.Warning, "Cannot bind UDP port {Port} of {Address}, which came up: {Reason}. Retrying.")]
    public static partial void BindFailed(ILogger logger, IPAddress address, int port, string reason);

    [LoggerMessage(35, LogLevel.Warning, "'{Name}': \"{Setting}\" has '{Value}', which is not a network such as 10.0.0.0/8. Ignoring it.")]
    public static partial void NetworkSettingIgnored(ILogger logger, string name, string setting, string value);

    [LoggerMessage(36, LogLevel.Error, "Ignoring '{File}': {Reason} Replace or remove it.")]
    public static partial void WorldLeft(ILogger logger, string file, string reason);

    [LoggerMessage(37, LogLevel.Warning, "Ignoring '{File}': its name is not the name of a network's file.")]
    public static partial void NetworkFileLeft(ILogger logger, string file);

    [LoggerMessage(38, LogLevel.Error, "Sending over the application's transport failed. Counting further failures without logging them.")]
    public static partial void TransportFailed(ILogger logger, Exception exception);

    [LoggerMessage(20, LogLevel.Critical, "Unhandled internal error; the node continues. Please report this.")]
    public static partial void InternalError(ILogger logger, Exception exception);

    [LoggerMessage(30, LogLevel.Warning, "Dropped {Count} events caused by other nodes: the event handlers are too slow.")]
    public static partial void EventsDropped(ILogger logger, long count);
}
