using Lanyard.Primitives;

namespace Lanyard;

/// <summary>Finds what names mean on a virtual network: addresses, nodes' addresses, and what the network's DNS servers know.</summary>
internal static class NameResolver
{
    private static readonly DnsRecordType[] AddressTypes = [DnsRecordType.Aaaa, DnsRecordType.A];

    /// <exception cref="LanyardNameException">It means nothing.</exception>
    public static async ValueTask<IReadOnlyList<InetAddress>> ResolveAsync(LanyardNetwork network, string host, CancellationToken cancellationToken)
    {
        if (network.TryResolve(host, out var address))
            return [address];
        var name = FindName(network, host);
        if (!DnsName.TryEncode(name, out var encoded))
            throw NotOnNetwork(network, host);
        var types = Array.FindAll(AddressTypes, type => network.Addresses.Any(own => own.Address.IsV4 == (type == DnsRecordType.A)));
        var servers = (IEnumerable<InetAddress>)network.Dns!.Servers;
        var found = await new DnsClient(network).FindAsync(servers, encoded, types, cancellationToken).ConfigureAwait(false)
            ?? throw new LanyardNameException(host, LanyardNameFailure.NoAnswer,
                $"No DNS server of network {network.Id} ({string.Join(", ", servers)}) answers about '{name}'. They may be offline, or not members.");
        if (found.Count == 0)
        {
            throw new LanyardNameException(host, LanyardNameFailure.NotFound,
                $"The DNS servers of network {network.Id} know no address of '{name}'.");
        }

        var sorted = found.ToArray();
        network.SortDestinations(sorted);
        return sorted;
    }

    // The whole name to ask the network's servers for.
    private static string FindName(LanyardNetwork network, string host)
    {
        var name = host.EndsWith('.') ? host[..^1] : host;
        if (network.Dns is not { Servers.IsEmpty: false } dns || name.Equals("localhost", StringComparison.OrdinalIgnoreCase))
            throw NotOnNetwork(network, host);
        var domain = dns.Domain.Trim('.');
        if (domain.Length == 0)
        {
            // Without a domain the servers would be asked for, and could answer, every name there is.
            return network.Settings.AllowDns ? name : throw new LanyardNameException(host, LanyardNameFailure.NotOnNetwork,
                $"'{host}' is not looked up: network {network.Id} has DNS servers but no domain of its own. Set allowDNS to ask them for all names.");
        }

        if (!name.Contains('.', StringComparison.Ordinal) && !host.EndsWith('.'))
            return $"{name}.{domain}";
        return name.EndsWith("." + domain, StringComparison.OrdinalIgnoreCase) || name.Equals(domain, StringComparison.OrdinalIgnoreCase)
            ? name
            : throw NotOnNetwork(network, host);
    }

    private static LanyardNameException NotOnNetwork(LanyardNetwork network, string host) =>
        new(host, LanyardNameFailure.NotOnNetwork, network.DescribeUnresolved(host));
}
