using System.Net;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>Resolves names on a virtual network: IP addresses, nodes' addresses, and names that the network's DNS servers resolve.</summary>
internal static class NameResolver
{
    private static readonly DnsRecordType[] AddressTypes = [DnsRecordType.Aaaa, DnsRecordType.A];

    /// <summary>Resolves a name to one or more addresses, preferred addresses first.</summary>
    /// <exception cref="LanyardNameException">The name cannot be resolved.</exception>
    public static async ValueTask<IReadOnlyList<InetAddress>> ResolveAsync(LanyardNetwork network, DnsCache cache, string host, CancellationToken cancellationToken)
    {
        if (network.TryResolve(host, out var address))
            return [address];
        var name = FindName(network, host);
        if (!DnsName.TryEncode(name, out var encoded))
            throw NotOnNetwork(network, host);
        var types = Array.FindAll(AddressTypes, type => network.Addresses.Any(own => own.Address.IsV4 == (type == DnsRecordType.A)));
        var dns = network.Dns ?? throw NotOnNetwork(network, host);
        var key = $"{name.ToLowerInvariant()} {string.Join(" ", types)}";
        if (cache.Find(dns, key) is not { } found)
        {
            var servers = (IEnumerable<InetAddress>)dns.Servers;
            (found, var seconds) = await new DnsClient(network).FindAsync(servers, encoded, types, cancellationToken).ConfigureAwait(false)
                ?? throw new LanyardNameException(host, LanyardNameFailure.NoAnswer,
                    $"No DNS server of network {network.Id} ({string.Join(", ", servers)}) answers the query for '{name}'. The servers may be offline, or not members.");
            cache.Keep(dns, key, found, seconds);
        }

        if (found.Length == 0)
        {
            throw new LanyardNameException(host, LanyardNameFailure.NotFound,
                $"The DNS servers of network {network.Id} have no address for '{name}'. Check the name.");
        }

        var sorted = (InetAddress[])found.Clone();
        network.SortDestinations(sorted);
        return sorted;
    }

    /// <summary>Resolves a name, and connects to the first of its addresses that answers.</summary>
    /// <exception cref="LanyardSocketException">The name was not resolved, or no address answered.</exception>
    public static async ValueTask<LanyardStream> ConnectAsync(LanyardNetwork network, string host, int port, CancellationToken cancellationToken)
    {
        IReadOnlyList<InetAddress> addresses;
        try
        {
            addresses = await network.ResolveAsync(host, cancellationToken).ConfigureAwait(false);
        }
        catch (LanyardNameException unknown)
        {
            var error = unknown.Failure == LanyardNameFailure.NoAnswer ? NetError.TimedOut : NetError.HostUnreachable;
            throw new LanyardSocketException(error, default, unknown.Message);
        }

        return await HappyEyeballs.ConnectAsync(
            Array.ConvertAll(addresses.ToArray(), address => address.ToIPAddress()), (address, attempt) => network.ConnectAsync(new IPEndPoint(address, port), attempt).AsTask(),
            network.Node.Options.TimeProvider, cancellationToken).ConfigureAwait(false);
    }

    // Returns the full name to query, which is always in the network's domain.
    private static string FindName(LanyardNetwork network, string host)
    {
        var name = HostNames.WithoutFinalDot(host);
        if (network.Dns is not { } dns || name.Equals("localhost", StringComparison.OrdinalIgnoreCase))
            throw NotOnNetwork(network, host);
        var domain = dns.Domain.Trim('.');
        if (!name.Contains('.', StringComparison.Ordinal) && !host.EndsWith('.'))
            return $"{name}.{domain}";
        return name.EndsWith("." + domain, StringComparison.OrdinalIgnoreCase) || name.Equals(domain, StringComparison.OrdinalIgnoreCase)
            ? name
            : throw NotOnNetwork(network, host);
    }

    private static LanyardNameException NotOnNetwork(LanyardNetwork network, string host) =>
        new(host, LanyardNameFailure.NotOnNetwork, network.Errors.DescribeUnresolved(host));
}
