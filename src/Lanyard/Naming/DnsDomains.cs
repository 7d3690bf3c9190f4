namespace Lanyard;

/// <summary>
/// Decides whether a controller may name a domain as its network's own. Refuses public suffixes, whose name servers answer for other people's domains. Uses a
/// short rule instead of the full public suffix list, and refuses when in doubt.
/// </summary>
internal static class DnsDomains
{
    // Top-level domains that are not public (RFC 2606, RFC 6761, RFC 6762 with its appendix G, RFC 9476, and ICANN's .internal).
    private static readonly HashSet<string> PrivateTopLevels = new(StringComparer.Ordinal)
    {
        "alt", "corp", "example", "home", "internal", "intranet", "invalid", "lan", "local", "localdomain", "private", "test",
    };

    // Labels that are registries below a country's top-level domain: co.uk, com.au, ne.jp.
    private static readonly HashSet<string> CountryRegistries = new(StringComparer.Ordinal)
    {
        "ac", "ad", "art", "asn", "assn", "biz", "club", "co", "com", "conf", "coop", "csiro", "ed", "edu", "ekloges", "firm", "fin", "gc", "gen", "go", "gob", "gop",
        "gouv", "gov", "govt", "gr", "gv", "id", "idv", "ind", "inf", "info", "int", "k12", "lg", "ltd", "me", "med", "mil", "mod", "muni", "museum", "name",
        "ne", "net", "ngo", "nhs", "nom", "nsw", "oop", "or", "org", "oz", "plc", "police", "pro", "pub", "qld", "res", "sa", "sch", "school", "store", "tas", "tm",
        "tv", "vic", "wa", "web",
    };

    // Domains of services that give their users names below them.
    private static readonly HashSet<string> SharedDomains = new(StringComparer.Ordinal)
    {
        "amazonaws.com", "appspot.com", "azurewebsites.net", "blogspot.com", "cloudapp.net", "cloudfront.net", "co.com", "ddns.net", "duckdns.org", "dyndns.org",
        "dynu.net", "eu.org", "firebaseapp.com", "fly.dev", "freeddns.org", "github.io", "gitlab.io", "herokuapp.com", "netlify.app", "ngrok.io", "no-ip.org",
        "nip.io", "onrender.com", "pages.dev", "sslip.io", "uk.com", "us.com", "vercel.app", "web.app", "workers.dev",
    };

    /// <summary>Returns why a domain is refused; null if the network may use it.</summary>
    public static string? Refuses(string domain)
    {
        domain = domain.Trim('.').ToLowerInvariant();
        if (domain.Length == 0)
            return "it has no domain, so its servers would answer for every name";
        if (!DnsName.TryEncode(domain, out _))
            return "it is not a domain name";
        var labels = domain.Split('.');
        var top = labels[^1];
        if (top is "localhost" or "onion")
            return "its names are never hosts on a network";
        if (PrivateTopLevels.Contains(top) || domain == "home.arpa" || domain.EndsWith(".home.arpa", StringComparison.Ordinal))
            return null;
        if (top == "arpa" || labels.Length == 1)
            return "it is a public suffix";
        if (labels.Length > 2)
            return null;
        const int countryCodeLength = 2;
        return (top.Length == countryCodeLength && CountryRegistries.Contains(labels[0])) || SharedDomains.Contains(domain) ? "it is a public suffix" : null;
    }
}
