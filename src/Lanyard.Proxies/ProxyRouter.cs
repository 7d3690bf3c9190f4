using System.Net;
using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>Finds the route to a destination: a virtual network or the host's network, and the addresses there.</summary>
/// <param name="networks">Returns the current virtual networks.</param>
/// <param name="outside">The handling of destinations outside of the networks.</param>
internal sealed class ProxyRouter(Func<IReadOnlyList<LanyardNetwork>> networks, LanyardOutsidePolicy outside)
{
    // The part of the connect timeout that the stack gets. It times out first, because it knows the reason of a failure.
    private const double StackShare = 0.9;

    /// <summary>The networks.</summary>
    public IReadOnlyList<LanyardNetwork> Networks => networks();

    /// <summary>Finds the route.</summary>
    /// <returns>The network, null for the host's network, and at least one address.</returns>
    /// <exception cref="ProxyException">No route exists, or it is not allowed.</exception>
    public async ValueTask<(LanyardNetwork? Network, IReadOnlyList<InetAddress> Addresses)> FindAsync(
        ProxyDestination destination, CancellationToken cancellationToken)
    {
        if (destination.Name.Length == 0)
            return (Allow(destination.Address), [destination.Address]);
        var (route, addresses) = await FindByNameAsync(destination.Name, cancellationToken).ConfigureAwait(false);
        var network = route(addresses[0]);
        return (network, [.. addresses.Where(address => ReferenceEquals(route(address), network))]);
    }

    /// <summary>Connects to a destination.</summary>
    /// <exception cref="ProxyException">The connection failed.</exception>
    /// <exception cref="OperationCanceledException">The operation was canceled.</exception>
    public async Task<StreamEnd> ConnectAsync(ProxyDestination destination, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(timeout);
        try
        {
            var (route, addresses) = destination.Name.Length == 0
                ? (Allow, [destination.Address])
                : await FindByNameAsync(destination.Name, patience.Token).ConfigureAwait(false);
            return await HappyEyeballs.ConnectAsync(
                Array.ConvertAll(addresses.ToArray(), address => address.ToIPAddress()),
                (address, attempt) => ConnectAsync(route(InetAddress.FromIPAddress(address)), new IPEndPoint(address, destination.Port), timeout * StackShare, attempt),
                cancellationToken: patience.Token)
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ProxyException(ProxyFailure.TimedOut,
                $"{destination} did not answer within {timeout.TotalSeconds:0.###} s. The peer may be offline, or a firewall or the network's rules may drop the packets.");
        }
        catch (LanyardSocketException failure)
        {
            throw new ProxyException(FailureOf(failure.SocketErrorCode), failure.Message, failure);
        }
        catch (LanyardNetworkException failure)
        {
            throw new ProxyException(ProxyFailure.General, failure.Message, failure);
        }
        catch (SocketException failure)
        {
            throw new ProxyException(FailureOf(failure.SocketErrorCode), $"This host cannot connect to {destination}: {failure.Message}.", failure);
        }
    }

    // Returns the addresses of a name and the network of each address: the network that resolved the name, or the network that contains the address.
    private async ValueTask<(Func<InetAddress, LanyardNetwork?> Route, IReadOnlyList<InetAddress> Addresses)> FindByNameAsync(string name, CancellationToken cancellationToken)
    {
        LanyardNameException? unknown = null;
        foreach (var network in networks())
        {
            try
            {
                return (_ => network, await network.ResolveAsync(name, cancellationToken).ConfigureAwait(false));
            }
            catch (LanyardNameException failure)
            {
                // If a network's DNS servers deny a name, do not ask the host: the name belongs to that network.
                if (unknown is null or { Failure: LanyardNameFailure.NotOnNetwork })
                    unknown = failure;
            }
        }

        if (unknown is null or { Failure: LanyardNameFailure.NotOnNetwork } && outside == LanyardOutsidePolicy.Host)
            return (address => FindNetwork(address), await FindOutsideAsync(name, cancellationToken).ConfigureAwait(false));
        throw new ProxyException(unknown?.Failure == LanyardNameFailure.NoAnswer ? ProxyFailure.TimedOut : ProxyFailure.UnknownName,
            unknown?.Message ?? "This node is on no virtual network. Join a network.", unknown);
    }

    /// <summary>Returns the network that contains an address; null for the host's network.</summary>
    /// <exception cref="ProxyException">No network contains the address, and other destinations are refused.</exception>
    public LanyardNetwork? Allow(InetAddress address)
    {
        if (FindNetwork(address) is { } network)
            return network;
        return outside == LanyardOutsidePolicy.Host ? null : throw new ProxyException(ProxyFailure.NotAllowed,
            $"{address} is not on the virtual network, and this proxy refuses other destinations. This node has {DescribeAddresses()}.");
    }

    private static async ValueTask<IReadOnlyList<InetAddress>> FindOutsideAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            var addresses = await HostSockets.ResolveAsync(name, cancellationToken).ConfigureAwait(false);
            if (addresses.Length == 0)
                throw new SocketException((int)SocketError.NoData);
            return addresses;
        }
        catch (SocketException failure)
        {
            throw new ProxyException(ProxyFailure.UnknownName, $"Neither the virtual network nor the host's network knows the name '{name}': {failure.Message}.", failure);
        }
    }

    // If other destinations are refused, the host's own LAN does not take precedence.
    private LanyardNetwork? FindNetwork(InetAddress address) =>
        LanyardNode.FindNetwork(networks(), address.ToIPAddress(), preferHostNetwork: outside == LanyardOutsidePolicy.Host);

    private string DescribeAddresses()
    {
        var addresses = string.Join(", ", networks().SelectMany(network => network.Addresses));
        return addresses.Length == 0 ? "no virtual address" : addresses;
    }

    private static async Task<StreamEnd> ConnectAsync(
        LanyardNetwork? network, IPEndPoint remote, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (network is null)
            return await HostSockets.ConnectAsync(remote, cancellationToken).ConfigureAwait(false);
        var options = network.Node.Options.Tcp;
        if (options.ConnectTimeout > timeout)
            options = options with { ConnectTimeout = timeout };
        return new NetworkStreamEnd(await network.ConnectAsync(InetEndpoint.FromIPEndPoint(remote), options, cancellationToken).ConfigureAwait(false));
    }

    private static ProxyFailure FailureOf(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => ProxyFailure.Refused,
        SocketError.TimedOut => ProxyFailure.TimedOut,
        SocketError.HostUnreachable or SocketError.HostDown or SocketError.HostNotFound => ProxyFailure.HostUnreachable,
        SocketError.NetworkUnreachable or SocketError.NetworkDown => ProxyFailure.NetworkUnreachable,
        SocketError.AccessDenied => ProxyFailure.NotAllowed,
        _ => ProxyFailure.General,
    };
}
