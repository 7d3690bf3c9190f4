using System.Globalization;
using Lanyard.Engine;
using Lanyard.Engine.Networks;

namespace Lanyard;

/// <summary>The errors of a network: what happened, and what the user can do.</summary>
internal sealed class NetworkErrors(LanyardNetwork network)
{
    /// <summary>The network was left, or its node ended.</summary>
    public LanyardNetworkException Left() => Create(LanyardNetworkFailure.Left, $"Network {network.Id} was left, or its node ended.");

    /// <summary>The network did not come up in time.</summary>
    public LanyardNetworkException TimedOut(TimeSpan after)
    {
        var why = network.Node.IsOnline
            ? $"Its controller {network.Id.Controller} did not answer. It may be offline."
            : network.Node.Planet is null
                ? "This node knows no roots: put a 'planet' file into its state folder, or set LanyardOptions.Planet."
                : "This node is offline: no root answers. Is UDP blocked, or the planet out of date?";
        return Create(LanyardNetworkFailure.TimedOut,
            $"Network {network.Id} did not come up within {after.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture)} s. {why} "
                + "It stays joined and comes up when it can.");
    }

    /// <summary>Returns the reason why a network is not ready; null if the controller has not answered yet.</summary>
    public LanyardNetworkException? Find(NetworkSnapshot snapshot) => snapshot.Status switch
    {
        NetworkStatus.AccessDenied => Create(LanyardNetworkFailure.AccessDenied,
            $"Network {network.Id} is private and has not admitted this node. Ask the owner of controller {network.Id.Controller} to authorize member "
                + $"{network.Node.Address}. The network stays joined and comes up once that is done."),
        NetworkStatus.NotFound => Create(LanyardNetworkFailure.NotFound,
            $"There is no network {network.Id}: node {network.Id.Controller} has none of this number, or is no controller. Check the network's ID."),
        NetworkStatus.AuthenticationRequired => Create(LanyardNetworkFailure.AuthenticationRequired,
            $"Network {network.Id} wants its user to sign in: {snapshot.Config?.Sso.AuthenticationUrl} The network stays joined and comes up once that is done."),
        NetworkStatus.Ok => Create(LanyardNetworkFailure.NoAddress,
            $"Network {network.Id} has admitted this node but assigned it no address that may be taken. Ask the owner of controller "
                + $"{network.Id.Controller} to give member {network.Node.Address} one, or look at LanyardNetwork.Settings."),
        _ => null,
    };

    /// <summary>Explains why a name has no address.</summary>
    public string DescribeUnresolved(string host) => network.TryParseNode(host, out _)
        ? $"'{host}' cannot be reached by its node address: network {network.Id} gives no IPv6 addresses that follow from these. Use an IP "
            + "address, or have the controller assign rfc4193 or 6plane addresses."
        : $"'{host}' is no host on network {network.Id}: give an IP address, or a node's address (ten hexadecimal digits), alone or followed by "
            + $"'.{network.Id}'." + (network.Dns is null && network.Config?.Dns is { } dns
                ? $" The network has DNS for '{dns.Domain}', which is not used: set allowDNS, unless that is a public domain." : "");

    private LanyardNetworkException Create(LanyardNetworkFailure failure, string message) => new(network.Id, network.Node.Address, failure, message);
}
