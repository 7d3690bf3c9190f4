using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Lanyard.Engine.Peers;
using Lanyard.Wire.Tests;

namespace Lanyard.Fuzz;

/// <summary>Reports the branches of the parsers that the corpus covers, from the JSON that coverlet writes.</summary>
internal static class CoverageReport
{
    // What reads bytes that come from outside.
    private static readonly string[] Parsers =
    [
        "src/Lanyard.Wire/", "src/Lanyard.Primitives/", "src/Lanyard.NetStack/Ip/Ipv", "src/Lanyard.NetStack/Ip/Reassembler", "src/Lanyard.NetStack/Link/ArpP",
        "src/Lanyard.NetStack/Link/NdpP", "src/Lanyard.NetStack/Icmp/IcmpProtocol", "src/Lanyard.NetStack/Multicast/GroupQuery", "src/Lanyard.NetStack/Multicast/IgmpFormat",
        "src/Lanyard.NetStack/Multicast/MldFormat", "src/Lanyard.NetStack/Udp/UdpDatagram", "src/Lanyard.NetStack/Tcp/TcpSegment", "src/Lanyard.NetStack/Tcp/SynCookies",
        "src/Lanyard/Naming/DnsMessage", "src/Lanyard/Naming/DnsName", "src/Lanyard.Proxies/SocksFormat", "src/Lanyard.Proxies/HttpRequestHead", "src/Lanyard.Proxies/HttpProxyRequest",
        "src/Lanyard.Proxies/LanyardForward.cs", "src/Lanyard/Networks/LanyardNetworkSettings", "src/Lanyard/State/StateNames",
        "src/Lanyard.Engine/Rules/FrameHeaders", "src/Lanyard.Engine/Rules/RuleMatcher", "src/Lanyard.Engine/Rules/RuleEvaluator", "src/Lanyard.Engine/Peers/PeerState",
        "src/Lanyard.Controller/Json/", "src/Lanyard.Service/LocalConfiguration", "src/Lanyard.Service/InterceptSection", "src/Lanyard.Service/LanyardSection",
        "src/Lanyard.Service/Proxies/ProxySection", "src/Lanyard.Intercept/Linux/SocketName", "src/Lanyard.Intercept/Protocol/InterceptMessages",
        "src/Lanyard.Intercept/Hub/RememberedSocket", "src/Lanyard.Dissector/PcapNg", "src/Lanyard.Dissector/Capture", "src/Lanyard.Dissector/PacketCapture",
        "src/Lanyard.Intercept/Programs/ProgramImage",
    ];

    // Ciphers, keys, and what only writes.
    private static readonly string[] Others =
    [
        "src/Lanyard.Wire/Crypto/", "src/Lanyard.Wire/IdentityHash", "src/Lanyard.Wire/WorldKey", "src/Lanyard.Wire/EquatableArray", "src/Lanyard.Wire/ByteWriter",
        "src/Lanyard.Wire/DictionaryWriter", "src/Lanyard.Wire/Rules/RuleFactories", "src/Lanyard.Wire/Packets/SessionKey", "src/Lanyard.Wire/Packets/PacketBuilder",
        "src/Lanyard.Wire/Network/NetworkConfigSplitter", "src/Lanyard.Wire/Network/DerivedAddresses",
    ];

    // Methods in those files that read nothing from outside.
    private static readonly (Regex Method, string Reason)[] Exempt =
    [
        (new(@"::(\w*Write\w*|Put\w*|ExtraBytes|TryEncode|WorldToBytes|To[A-Z]\w*|AddField)\("), "it writes"),
        (new(@"::(Equals|GetHashCode|CompareTo|op_\w+|Dispose|HasRole|WithRole|TryGetTag|With|Refuses|Revokes|Owns)\("), "it compares, finds or ends"),
        (new(@"::(Sign\w*|Create\w*|Generate|TryAgree|get_Secret|WithoutSecret|Validate|SecretMatches|TryHash|NextSecret)\("), "it makes or uses keys"),
        (new(@"(Primitives\.\w+|NodeAddress|NetworkId|Identity|LanyardForward)::Parse\("), "it is TryParse, and throws"),
        (new(@"::(SendEcho|Open|OnUndeliverable|OnNeighborFailed|ToIPAddress|FromIPAddress|FromIPEndPoint|ToIPEndPoint|AccessOf|MaxPacketBytesFor|SetFragmented|SetSuite|Split)\("), "an application calls it"),
        (new(@"RememberedSocket::Read\(|LocalConfiguration::Read\("), "it opens the file that Parse reads"),
    ];

    /// <summary>Writes a line a file with branches, and the lines of those that no input takes.</summary>
    public static int Write(JsonElement modules, TextWriter output)
    {
        var root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(TestData.PathOf("README.md"))!, "..", ".."));
        var files = new SortedDictionary<string, Dictionary<(int Line, int Ordinal, int Offset, string Method), int>>(StringComparer.Ordinal);
        foreach (var file in modules.EnumerateObject().SelectMany(module => module.Value.EnumerateObject()))
        {
            var path = Path.GetRelativePath(root, file.Name).Replace('\\', '/');
            if (!Array.Exists(Parsers, path.StartsWith) || Array.Exists(Others, path.StartsWith))
                continue;
            if (!files.TryGetValue(path, out var branches))
                files.Add(path, branches = []);
            foreach (var method in file.Value.EnumerateObject().SelectMany(type => type.Value.EnumerateObject()))
            {
                if (Array.Exists(Exempt, exempt => exempt.Method.IsMatch(method.Name)))
                    continue;
                foreach (var branch in method.Value.GetProperty("Branches").EnumerateArray())
                {
                    var key = (branch.GetProperty("Line").GetInt32(), branch.GetProperty("Ordinal").GetInt32(), branch.GetProperty("Offset").GetInt32(), method.Name);
                    branches[key] = branches.GetValueOrDefault(key) + branch.GetProperty("Hits").GetInt32();
                }
            }
        }

        var (taken, all) = (0, 0);
        foreach (var (path, branches) in files.Where(file => file.Value.Count > 0))
        {
            var hit = branches.Values.Count(hits => hits > 0);
            taken += hit;
            all += branches.Count;
            var missed = string.Join(' ', branches.Where(branch => branch.Value == 0).Select(branch => branch.Key.Line).Distinct().Order().Select(line => line.ToString(CultureInfo.InvariantCulture)));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{hit,5} of {branches.Count,5}  {path}{(missed.Length > 0 ? "  not taken: " + missed : "")}"));
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{taken,5} of {all,5}  branches of all parsers ({100.0 * taken / Math.Max(all, 1):f1} %)"));
        return all > 0 ? 0 : 1;
    }
}
