using System.Net.Sockets;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>Finds the way to a destination: which virtual network, or the host's, and there by which addresses.</summary>
/// <param name="networks">The virtual networks, at any time.</param>
/// <param name="outside">What becomes of other destinations.</param>
internal sealed class ProxyRouter(Func<IReadOnlyList<LanyardNetwork>> networks, LanyardOutsidePolicy outside)
{
    /// <summary>The networks.</summary>
    public IReadOnlyList<LanyardNetwork> Networks => networks();

    /// <summary>The network that an address lies on: the one with the most specific range. Null for none.</summary>
    public LanyardNetwork? FindNetwork(InetAddress address)
    {
        LanyardNetwork? best = null;
        var bestBits = -1;
        foreach (var network in networks())
        {
            foreach (var own in network.Addresses)
                Consider(network, own);
            foreach (var route in network.Routes)
                Consider(network, route.Target);
        }

        return best;

        void Consider(LanyardNetwork network, InetPrefix range)
        {
            if (range.Bits > bestBits && range.Contains(address))
                (best, bestBits) = (network, range.Bits);
        }
    }

    /// <summary>Finds the way.</summary>
    /// <returns>The network, null for the host's, and one address or more.</returns>
    /// <exception cref="ProxyException">There is none, or none that is allowed.</exception>
    public async ValueTask<(LanyardNetwork? Network, IReadOnlyList<InetAddress> Addresses)> FindAsync(
        ProxyDestination destination, CancellationToken cancellationToken)
    {
        if (destination.Name.Length == 0)
            return (Allow(destination.Address), [destination.Address]);
        if (InetAddress.TryParse(destination.Name, out var address))
            return (Allow(address), [address]);
        LanyardNameException? unknown = null;
        foreach (var network in networks())
        {
            try
            {
                return (network, await network.ResolveAsync(destination.Name, cancellationToken).ConfigureAwait(false));
            }
            catch (LanyardNameException failure)
            {
                // What one network's servers deny is not asked of the host: the name is that network's own.
                if (unknown is null or { Failure: LanyardNameFailure.NotOnNetwork })
                    unknown = failure;
            }
        }

        if (unknown is { Failure: LanyardNameFailure.NotOnNetwork } && outside == LanyardOutsidePolicy.Host)
            return await FindOutsideAsync(destination.Name, cancellationToken).ConfigureAwait(false);
        throw new ProxyException(unknown?.Failure == LanyardNameFailure.NoAnswer ? ProxyFailure.TimedOut : ProxyFailure.UnknownName,
            unknown?.Message ?? "This node is on no virtual network at present: join one.", unknown);
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
            var (network, addresses) = await FindAsync(destination, patience.Token).ConfigureAwait(false);
            for (var i = 0; ; i++)
            {
                try
                {
                    return await ConnectAsync(network, new InetEndpoint(addresses[i], destination.Port), patience.Token).ConfigureAwait(false);
                }
                catch (Exception failure) when (i < addresses.Count - 1 && failure is LanyardSocketException or SocketException)
                {
                    // The next address may do.
                }
            }
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

    /// <summary>The network that an address lies on, null for the host's.</summary>
    /// <exception cref="ProxyException">It lies on none, and others are refused.</exception>
    public LanyardNetwork? Allow(InetAddress address)
    {
        if (FindNetwork(address) is { } network)
            return network;
        return outside == LanyardOutsidePolicy.Host ? null : throw new ProxyException(ProxyFailure.NotAllowed,
            $"{address} is not on the virtual network, and others are refused here. This node has {DescribeAddresses()}.");
    }

    private async ValueTask<(LanyardNetwork?, IReadOnlyList<InetAddress>)> FindOutsideAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            var addresses = await HostSockets.ResolveAsync(name, cancellationToken).ConfigureAwait(false);
            if (addresses.Length == 0)
                throw new SocketException((int)SocketError.NoData);
            return (FindNetwork(addresses[0]), addresses);
        }
        catch (SocketException failure)
        {
            throw new ProxyException(ProxyFailure.UnknownName, $"'{name}' is no name on the virtual network, nor on the host's: {failure.Message}.", failure);
        }
    }

    private string DescribeAddresses()
    {
        var addresses = string.Join(", ", networks().SelectMany(network => network.Addresses));
        return addresses.Length == 0 ? "no address on any at present" : addresses;
    }

    private static async Task<StreamEnd> ConnectAsync(LanyardNetwork? network, InetEndpoint remote, CancellationToken cancellationToken) =>
        network is null
            ? await HostSockets.ConnectAsync(remote, cancellationToken).ConfigureAwait(false)
            : new NetworkStreamEnd(await network.ConnectAsync(remote, cancellationToken: cancellationToken).ConfigureAwait(false));

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
