using System.Net;
using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>Finds the way to a destination: which virtual network, or the host's, and there by which addresses.</summary>
/// <param name="networks">The virtual networks, at any time.</param>
/// <param name="outside">What becomes of other destinations.</param>
internal sealed class ProxyRouter(Func<IReadOnlyList<LanyardNetwork>> networks, LanyardOutsidePolicy outside)
{
    // The stack's share of the time to connect: the stack knows the reason of a failure, so it times out first.
    private const double StackShare = 0.9;

    /// <summary>The networks.</summary>
    public IReadOnlyList<LanyardNetwork> Networks => networks();

    /// <summary>Finds the way.</summary>
    /// <returns>The network, null for the host's, and one address or more.</returns>
    /// <exception cref="ProxyException">There is none, or none that is allowed.</exception>
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
    /// <exception cref="ProxyException">It did not come about.</exception>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
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
                (address, attempt) => ConnectAsync(route(InetAddress.FromIPAddress(address)), new IPEndPoint(address, destination.Port), timeout * StackShare, attempt), patience.Token)
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ProxyException(ProxyFailure.TimedOut,
                $"There was no answer from {destination} within {timeout.TotalSeconds:0.###} s. The peer may be offline, or a firewall or the network's rules may drop the packets.");
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
            throw new ProxyException(FailureOf(failure.SocketErrorCode), $"There is no connection to {destination} from this host: {failure.Message}.", failure);
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
            unknown?.Message ?? "This node is on no virtual network at present: join one.", unknown);
    }

    /// <summary>The network that an address lies on, null for the host's.</summary>
    /// <exception cref="ProxyException">It lies on none, and others are refused.</exception>
    public LanyardNetwork? Allow(InetAddress address)
    {
        if (FindNetwork(address) is { } network)
            return network;
        return outside == LanyardOutsidePolicy.Host ? null : throw new ProxyException(ProxyFailure.NotAllowed,
            $"{address} is not on the virtual network, and others are refused here. This node has {DescribeAddresses()}.");
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
            throw new ProxyException(ProxyFailure.UnknownName, $"'{name}' is no name on the virtual network, nor on the host's: {failure.Message}.", failure);
        }
    }

    // Where nothing else is reached anyway, the host's own LAN has no say.
    private LanyardNetwork? FindNetwork(InetAddress address) =>
        LanyardNode.FindNetwork(networks(), address.ToIPAddress(), preferHostNetwork: outside == LanyardOutsidePolicy.Host);

    private string DescribeAddresses()
    {
        var addresses = string.Join(", ", networks().SelectMany(network => network.Addresses));
        return addresses.Length == 0 ? "no address on any at present" : addresses;
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
