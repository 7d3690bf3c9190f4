using System.Globalization;
using Lanyard.Engine;
using Lanyard.Engine.Networks;

namespace Lanyard;

/// <summary>The errors of a network: what happened, and what the user can do.</summary>
internal sealed class NetworkErrors(LanyardNetwork network)
{
    /// <summary>Returns the error for a network that was left, or whose node ended.</summary>
    public LanyardNetworkException Left() => Create(LanyardNetworkFailure.Left, $"Network {network.Id} was left, or its node ended.");

    /// <summary>Returns the error for a network that did not come up in time.</summary>
    public LanyardNetworkException TimedOut(TimeSpan after)
    {
        var why = network.Node.IsOnline
            ? $"Its controller {network.Id.Controller} did not answer. It may be offline."
            : network.Node.Planet is null
                ? "This node knows no roots. Put a 'planet' file into its state folder, or set LanyardOptions.Planet."
                : "This node is offline: no root answers. Is UDP blocked, or the planet out of date?";
        return Create(LanyardNetworkFailure.TimedOut,
            $"Network {network.Id} did not come up within {after.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture)} s. {why} "
                + "The network stays joined and comes up when the controller answers.");
    }

    /// <summary>Returns the reason why a network is not ready; null if the controller has not answered yet.</summary>
    public LanyardNetworkException? Find(NetworkSnapshot snapshot) => snapshot.Status switch
    {
        NetworkStatus.AccessDenied => Create(LanyardNetworkFailure.AccessDenied,
            $"Network {network.Id} is private and has not admitted this node. Ask the owner of controller {network.Id.Controller} to authorize member "
                + $"{network.Node.Address}. The network stays joined and comes up then."),
        NetworkStatus.NotFound => Create(LanyardNetworkFailure.NotFound,
            $"There is no network {network.Id}: node {network.Id.Controller} does not have it, or is not a controller. Check the network ID."),
        NetworkStatus.AuthenticationRequired => Create(LanyardNetworkFailure.AuthenticationRequired,
            $"Network {network.Id} requires its user to sign in: {snapshot.Config?.Sso.AuthenticationUrl} The network stays joined and comes up then."),
        NetworkStatus.Ok => Create(LanyardNetworkFailure.NoAddress,
            $"Network {network.Id} has admitted this node but assigned it no address that the settings allow. Ask the owner of controller "
                + $"{network.Id.Controller} to assign one to member {network.Node.Address}, or change LanyardNetwork.Settings."),
        _ => null,
    };

    /// <summary>Explains why a name has no address.</summary>
    public string DescribeUnresolved(string host) => network.TryParseNode(host, out _)
        ? $"'{host}' cannot be reached by its node address: network {network.Id} has no IPv6 addresses that contain node addresses. Use an IP "
            + "address, or have the controller assign rfc4193 or 6plane addresses."
        : $"'{host}' is not a host on network {network.Id}. Give an IP address, or a node's address (ten hexadecimal digits), alone or followed by "
            + $"'.{network.Id}'." + (network.Dns is null && network.Config?.Dns is { } dns
                ? $" The network has DNS for '{dns.Domain}', which is not used: set allowDNS, unless that is a public domain." : "");

    private LanyardNetworkException Create(LanyardNetworkFailure failure, string message) => new(network.Id, network.Node.Address, failure, message);
}
