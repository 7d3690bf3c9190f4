using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Lanyard.Engine;
using Lanyard.Engine.Peers;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.NetStack.Tests;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Tests;
using Lanyard.Wire.Verbs;

namespace Lanyard.Fuzz;

/// <summary>Handwritten inputs for formats that the recordings do not contain.</summary>
internal static class ServiceSeeds
{
    public static IEnumerable<byte[]> Dns()
    {
        if (!DnsName.TryEncode("example.test", out var name))
            yield break;
        byte[] head = [0, 0x12, 0x34, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0, .. name];
        byte[] pointer = [0xc0, 12];
        yield return [.. head, 0, 1, 0, 1, .. pointer, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 1, .. pointer, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 2];
        // An alias, and the alias's address.
        yield return [.. head, 0, 1, 0, 1, .. pointer, 0, 5, 0, 1, 0, 0, 0, 9, 0, 4, 1, (byte)'b', 0xc0, 20, 1, (byte)'b', 0xc0, 20, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 1];
        yield return [1, .. head[1..], 0, 28, 0, 1, .. pointer, 0, 28, 0, 1, 0, 0, 0, 9, 0, 16, .. new byte[16], .. pointer, 0, 28, 0, 1, 0, 0, 0, 9, 0, 16, .. new byte[16]];
        yield return [0, 0x12, 0x34, 0x83, 0x83, 0, 1, 0, 0, 0, 0, 0, 0, .. name, 0, 1, 0, 1];
        yield return [0, 3, (byte)'a', (byte)'B', (byte)'-', 0xc0, 0];
        yield return [0, .. "a.b-c.EXAMPLE_1.test"u8];
    }

    public static IEnumerable<byte[]> Socks() =>
    [
        [5, 2, 0, 2], [1, 4, .. "user"u8, 8, .. "password"u8], [5, 1, 0, 1, 10, 0, 0, 1, 0, 80], [5, 1, 0, 3, 7, .. "example"u8, 1, 187],
        [5, 3, 0, 4, .. new byte[16], 0, 53], [5, 2, 0, 9], [0, 0, 0, 1, 10, 0, 0, 1, 0, 53, 1, 2, 3], [0, 0, 1, 3, 1, (byte)'a', 0, 53],
        [0, 0, 0, 4, .. new byte[10], 0xff, 0xff, 10, 0, 0, 1, 0, 53],
    ];

    public static IEnumerable<byte[]> Http() => Texts(
        "CONNECT example:443 HTTP/1.1\r\nHost: example:443\r\nProxy-Authorization: Basic dXNlcjpwYXNzd29yZA==\r\n\r\n",
        "GET http://example/ HTTP/1.1\r\nHost: example\r\nConnection: close, x-a\r\nX-A: b\r\nTE: trailers\r\n\r\n",
        "POST http://[::1]:8080?q HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello",
        "POST http://a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nUpgrade: x\r\nKeep-Alive: y\r\n\r\n",
        "OPTIONS http://a:80 HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "CONNECT [fd00::1]:0 HTTP/1.1\r\n\r\n");

    public static IEnumerable<byte[]> Settings() => Texts(
        "80:host:0", "x:host:1", "a:1:host:1", "[::1:80:host:81", "80::81", "localhost:1:h:1", "*:1:h:1/sctp", "80:[a:b]:81", "1:2:3:4:5", "allowManaged=1\nallowGlobal=0\nallowDefault=0\nallowDNS=1\nother=kept\n", "allowManaged=10.0.0.0/8, fd00::/8,x/1\r\nallowDNS=true\n", "allowManaged=0\n=\n",
        "8080:10.1.0.2:80", "127.0.0.1:5353:dns:53/udp", "[::1]:80:[fd00::1]:80/tcp", "*:80:host:80", "networks.d/8056c2e21c000001.conf", "moons.d/000000084d444217.moon",
        Ranges("allowManaged=1\n"), Ranges("allowManaged=0\n"), Ranges("allowManaged=1\nallowGlobal=1\nallowDefault=1\n"), Ranges("allowManaged=10.1.0.0/16,fd00::/16,0.0.0.0/0\nallowDefault=0\n"));

    // Permitted and refused ranges of addresses.
    private static string Ranges(string settings) => settings + string.Join('\n', "10.1.0.1/16", "10.1.0.0/24", "10.1.0.255/24", "10.1.0.1/1", "10.1.0.1/0", "0.0.0.0/0", "::/0", "8.8.8.8/24", "8.8.8.8/1", "100.64.0.1/10",
        "224.0.0.1/4", "127.0.0.1/8", "169.254.1.1/16", "fd00::1/8", "fd00::1/1", "fd00::1/64", "2001:db8::1/3", "2001:db8::1/32", "fe80::1/64", "ff02::1/16", "::1/128", "10.9.0.1/31", "10.9.0.1/32", "25.0.0.1/8", "192.168.1.1/2", "fc00::/7");

    public static IEnumerable<byte[]> LocalConf() => Texts(
        "{}",
        """{"physical":{"10.0.0.0/8":{"blacklist":true,"trustedPathId":17,"mtu":1400},"::/0":{"mtu":9000}},"virtual":{"8056c2e21c":{"try":["10.0.0.1/9993"],"blacklist":["10.0.0.0/8"]}}}""",
        """
        {"settings":{"primaryPort":9993,"secondaryPort":0,"tertiaryPort":1,"portMappingEnabled":false,"interfacePrefixBlacklist":["zt"],"bind":["10.0.0.1","::1"],
        "allowManagementFrom":["127.0.0.1","10.0.0.0/8"],"softwareUpdate":"disable","multipathMode":0,"allowTcpFallbackRelay":false,"forceTcpRelay":false,"lowBandwidthMode":true}}
        """,
        """
        {"lanyard":{"proxies":[{"listen":"127.0.0.1:1080","protocol":"socks","user":"a","password":"b","network":"8056c2e21c000001","outside":"host","maxConnections":9,"idleSeconds":60},
        {"listen":3128,"protocol":"http","outside":"refuse"},{"listen":"[::1]:8080","protocol":"all"}],
        "forwards":[{"network":"8056c2e21c000001","local":"8080:10.1.0.2:80"},{"network":"8056c2e21c000001","remote":"53:127.0.0.1:53/udp"}],
        "intercept":{"socket":"/run/l/i.sock","mode":"0660","users":{"0":"all","1000":["8056c2e21c000001"],"*":[]}}}}
        """,
        """
        {"lanyard":{"proxies":[{"listen":1,"user":"a:b","password":""},{"listen":1},{"protocol":"x","network":1,"outside":2,"maxConnections":0,"idleSeconds":-1,"other":1},7],
        "forwards":[{"local":"x","remote":"y"},{},{"network":"8056c2e21c000001","local":"1:a:1"},{"network":"8056c2e21c000001","local":"1:b:1"},{"other":1},[]],
        "intercept":{"socket":"x","mode":"0777","users":{"root":"all","0":[],"nosuch":[],"*":1,"4294967295":["z"]},"other":1}}}
        """,
        """{"lanyard":{"proxies":{},"forwards":null,"intercept":[],"other":1}}""",
        """{"lanyard":{"intercept":{"socket":null,"mode":"9","users":[]}}}""",
        """{"lanyard":[]}""",
        """
        {"settings":{"tcpFallbackRelay":"1.2.3.4/443","softwareUpdate":"apply","softwareUpdateChannel":"beta","softwareUpdateDist":true,"multipathMode":1,"defaultBondingPolicy":"x",
        "policies":{"a":1},"peerSpecificBonds":{},"multicoreEnabled":true,"concurrency":4,"cpuPinningEnabled":1,"controllerDbPath":"postgres","enableWebServer":true,"homeDir":"x",
        "forceTcpRelay":true,"allowTcpFallbackRelay":true},"physical":{"10.0.0.0/8":{"trustedPathId":0,"mtu":0},"x":{}},"other":1}
        """,
        """{"virtual":{"8056c2e21c":{"try":["x"]}}}""",
        """{"physical":{"10.0.0.0/8":{"trustedPathId":-1}}}""",
        """{"physical":{"10.0.0.0/8":{"mtu":99999}}}""",
        """{"settings":{"bind":["10.0.0.1",7]}}""",
        """{"settings":{"allowManagementFrom":["10.0.0.0/33"]}}""",
        """[]""",
        """{"settings":{"primaryPort":70000,"bind":"x","portMappingEnabled":"yes"},"physical":[],"virtual":{"zz":{}},"\ud800":1}""");

    public static IEnumerable<byte[]> Intercept()
    {
        var request = new InterceptRequest
        {
            Magic = InterceptProtocol.Magic, Operation = InterceptOperation.Connect, Flags = InterceptFlags.Join, Network = 1, Backlog = 5,
            Virtual = InterceptEndpoint.Of(InetEndpoint.Parse("10.0.0.1:80")), Far = InterceptEndpoint.Of(InetEndpoint.Parse("[fd00::1]:80")),
            Own = InterceptEndpoint.Of(InetEndpoint.Parse("10.0.0.2:0")),
        };
        yield return [.. MemoryMarshal.AsBytes(new ReadOnlySpan<InterceptRequest>(in request)), .. "example.test"u8];
        foreach (var (text, domain) in new[] { ("10.0.0.1:80", 2), ("[fd00::1]:443", 10), ("10.0.0.1:53", 10), ("127.0.0.1:1", 2) })
        {
            var name = new byte[SocketName.MaxBytes];
            yield return name[..SocketName.Write(InetEndpoint.Parse(text), domain, name)];
        }

        yield return """
            {"key":"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff","port":40000,"sockets":
            [{"cookie":1,"user":0,"type":1,"near":"127.64.0.1:80","address":"","port":80,"traits":3,"network":9,"backlog":5},
            {"cookie":2,"user":0,"type":2,"near":"127.64.0.2:53","address":"fd00::1","port":53,"traits":32,"network":9,"backlog":0,"far":"127.80.0.1:40000","remote":"[fd00::2]:53"}]}
            """u8.ToArray();
    }

    public static IEnumerable<byte[]> NetworkRecords() => Recorded.Files("api", "controller_network.json").Concat(Recorded.Files("api", "controller_network_post.json")).Concat(Texts(
        Network("""
            "rules":[{"type":"ACTION_TEE","address":"8056c2e21c","flags":1,"length":64},{"type":"ACTION_WATCH"},{"type":"ACTION_REDIRECT","address":"x"},{"type":"ACTION_BREAK"},
            {"type":"MATCH_SOURCE_ZEROTIER_ADDRESS","zt":"8056c2e21c","not":true},{"type":"MATCH_DEST_ZEROTIER_ADDRESS","or":true},{"type":"MATCH_VLAN_ID","vlanId":5},
            {"type":"MATCH_VLAN_PCP","vlanPcp":1},{"type":"MATCH_VLAN_DEI","vlanDei":1},{"type":"MATCH_MAC_SOURCE","mac":"02:00:00:00:00:01"},{"type":"MATCH_MAC_DEST","mac":7},
            {"type":"MATCH_IPV4_SOURCE","ip":"10.0.0.0/8"},{"type":"MATCH_IPV4_DEST","ip":"10.0.0.1"},{"type":"MATCH_IPV6_SOURCE","ip":"fd00::/8"},{"type":"MATCH_IPV6_DEST","ip":"10.0.0.0/8"},
            {"type":"MATCH_IP_TOS","mask":1,"start":2,"end":3},{"type":"MATCH_IP_PROTOCOL","ipProtocol":6},{"type":"MATCH_ETHERTYPE","etherType":2048},{"type":"MATCH_ICMP","icmpType":8,"icmpCode":0},
            {"type":"MATCH_ICMP","icmpType":8,"icmpCode":null},{"type":"MATCH_IP_SOURCE_PORT_RANGE","start":80},{"type":"MATCH_IP_DEST_PORT_RANGE","start":80,"end":81},
            {"type":"MATCH_FRAME_SIZE_RANGE","start":1,"end":2},{"type":"MATCH_CHARACTERISTICS","mask":"8000000000000000"},{"type":"MATCH_CHARACTERISTICS","mask":2},{"type":"MATCH_RANDOM","probability":9},
            {"type":"MATCH_TAGS_DIFFERENCE","id":1,"value":2},{"type":"MATCH_TAGS_EQUAL"},{"type":"MATCH_TAG_SENDER","id":"3"},{"type":"MATCH_TAG_RECEIVER","id":true},
            {"type":"INTEGER_RANGE","start":"ff","end":"0xffff","idx":2,"bits":16,"little":true},{"type":"INTEGER_RANGE","start":1,"end":[],"bits":0},{"type":7},{},7,{"type":"ACTION_ACCEPT"}]
            """),
        Network("""
            "name":7,"private":"false","enableBroadcast":0,"multicastLimit":"12x","mtu":1e3,"remoteTraceTarget":true,"remoteTraceLevel":-1,"certificateTimeoutWindowSize":null,"v4AssignMode":"zt",
            "v6AssignMode":"zt,6plane","routes":[{"target":7},{"target":"10.0.0.0/8","via":"10.0.0.1/8"},{"target":"fd00::/8","via":null}],"ipAssignmentPools":[{"ipRangeStart":"x"},
            {"ipRangeStart":"10.0.0.1","ipRangeEnd":"10.0.0.9"},7],"authTokens":{"a":1,"\ud800":2},"tags":[{"id":1,"default":null},{"id":1},7],"capabilities":[{"id":1},{"id":1},{}],
            "dns":{"domain":"a","servers":["10.0.0.1",7]},"creationTime":99999999999999999999,"revision":5
            """),
        Network("\"rules\":[{\"type\":\"ACTION_ACCEPT\",\"not\":false}],\"authTokens\":[null],\"v6AssignMode\":7,\"dns\":[]"), Network("\"authTokens\":null,\"v6AssignMode\":{\"zt\":1},\"rules\":[]"),
        Network("\"\\ud800\":1,\"name\":\"x\",\"mtu\":1e30,\"private\":[],\"enableBroadcast\":\"true\",\"multicastLimit\":-1.5"), Network("\"private\":\"1\",\"enableBroadcast\":null,\"mtu\":{}"),
        Network("\"private\":\"True\",\"enableBroadcast\":1.5,\"mtu\":-9"), Network("\"private\":\"\",\"rules\":[{\"type\":\"ACTION_ACCEPT\"}]"),
        "{\"id\":\"0000000000000000\"}", "{\"id\":7}", "[]"));

    private static string Network(string fields) => $"{{\"id\":\"8056c2e21c000001\",{fields}}}";

    public static IEnumerable<byte[]> MemberRecords() => Recorded.Files("api", "controller_member.json").Concat(Recorded.Files("api", "controller_member_post.json")).Concat(Texts(
        "{\"id\":\"8056c2e21c\",\"nwid\":\"8056c2e21c000001\",\"\\ud800\":1,\"authorized\":\"true\"}", "{\"id\":\"8056c2e21c\",\"nwid\":\"0000000000000000\"}", "{\"id\":\"x\",\"nwid\":\"8056c2e21c000001\"}", "{\"id\":7}"));

    public static IEnumerable<byte[]> PeerFiles()
    {
        yield return new PeerState(Keys.Member.WithoutSecret(), new NodeVersion(12, 1, 14, 1), [InetEndpoint.Parse("10.99.0.3:9993"), InetEndpoint.Parse("[fd00::1]:1")]).ToBytes();
    }

    public static IEnumerable<byte[]> Rules()
    {
        foreach (var packet in NetStackSeeds.Packets().Where((_, index) => index % 6 == 0))
        {
            foreach (byte type in (byte[])[24, 29, 31, 33, 35, 36, 38, 39, 40, 41, 42, 43, 44, 51])
            {
                byte[] rules = [type, 24, .. Enumerable.Range(0, 24).Select(i => (byte)(i * 9)), 0, 0, 1, 0];
                yield return new FuzzInputWriter().Add((byte)(packet[0] == 1 ? 0x0a : 0x4b)).AddBytes(rules).Add(packet.AsSpan(1)).ToArray();
            }
        }

        // Tags that are there and that are not, ownership, ICMP codes and ports, for each kind of frame.
        foreach (var packet in NetStackSeeds.Packets().Where((_, index) => index % 9 == 0))
        {
            for (byte type = 44; type <= 50; type++)
            {
                foreach (byte flags in (byte[])[0x10, 0x18, 0x19, 0x1b, 0x08, 0x09])
                    yield return new FuzzInputWriter().Add((byte)(flags | (packet[0] == 1 ? 0 : 0x40))).AddBytes([type, 8, 0, 0, 0, 1, 0, 0, 0, 7, 1, 0]).Add(packet.AsSpan(1)).ToArray();
            }

            foreach (byte flags in (byte[])[0x10, 0x19])
            {
                byte[] characteristics = [41, 8, 0x08, 0, 0, 0, 0, 0, 0, 0, 41, 8, 0x10, 0, 0, 0, 0, 0, 0, 0, 0xc0 | 41, 8, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0];
                byte[] transports = [0x80 | 38, 3, 8, 0, 0, 38, 3, 8, 0, 1, 0x40 | 39, 4, 0, 0, 0xff, 0xff, 40, 4, 0, 80, 0, 80, 1, 0];
                yield return new FuzzInputWriter().Add((byte)(flags | (packet[0] == 1 ? 0 : 0x40))).AddBytes(characteristics).Add(packet.AsSpan(1)).ToArray();
                yield return new FuzzInputWriter().Add((byte)(flags | (packet[0] == 1 ? 0 : 0x40))).AddBytes(transports).Add(packet.AsSpan(1)).ToArray();
            }
        }

        foreach (var seed in RuleSeeds.All())
            yield return seed;
        // A copy, a watch and a redirect, and an accept by chance.
        byte[] forwards = [2, 14, .. new byte[3], 1, 2, 3, 4, 5, .. new byte[6], 3, 14, .. new byte[14], 43, 4, 0x80, 0, 0, 0, 4, 14, .. new byte[14], 6, 1, 9];
        yield return new FuzzInputWriter().Add(0x01).AddBytes(forwards).Add(new byte[60]).ToArray();
    }

    public static IEnumerable<byte[]> Captures()
    {
        foreach (var file in Recorded.Files("a.pcap"))
            yield return file[..Math.Min(file.Length, 6_000)];
        // The same records as other systems and tools write them: another order of bytes, another clock, another link.
        var recorded = Recorded.Files("a.pcap").First();
        var small = recorded[..Math.Min(recorded.Length, 2_000)];
        foreach (byte link in (byte[])[0, 1, 101, 108, 113, 228, 229])
            yield return [.. small[..20], link, 0, 0, 0, .. small[24..]];
        yield return [.. small[..20], 20, 1, 0, 0, .. small[24..]];
        yield return [0x4d, 0x3c, 0xb2, 0xa1, .. small[4..]];
        yield return small[..23];
        yield return [0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, .. new byte[11], 255, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 9, 1, 2, 3, 4];
        foreach (var packet in NetStackSeeds.Packets())
            yield return [.. small[..20], 101, 0, 0, 0, .. new byte[8], .. BitConverter.GetBytes(packet.Length - 1), .. BitConverter.GetBytes(packet.Length - 1), .. packet[1..]];
        foreach (ushort type in (ushort[])[0x0806, 0x8100, 0x88a8, 0x0800, 0x86dd])
            yield return [.. small[..24], .. new byte[8], 40, 0, 0, 0, 40, 0, 0, 0, .. new byte[12], (byte)(type >> 8), (byte)type, 0x45, 0, 8, 0, 0x45, .. new byte[21]];

        // A section with one interface of nanoseconds, an enhanced and a simple packet.
        byte[] frame = [.. new byte[12], 0x08, 0x06, .. new byte[14]];
        yield return
        [
            .. Block(0x0a0d0d0a, [0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, .. Enumerable.Repeat((byte)0xff, 8)]),
            .. Block(1, [1, 0, 0, 0, 0, 0, 4, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]),
            .. Block(6, [0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28, 0, 0, 0, .. frame]),
            .. Block(3, [28, 0, 0, 0, .. frame]),
        ];
    }

    public static IEnumerable<byte[]> Programs()
    {
        var image = new byte[256];
        "\u007fELF"u8.CopyTo(image);
        (image[4], image[5], image[18], image[32], image[54], image[56]) = (2, 1, 62, 64, 56, 2);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(64), 3);
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(72), 176);
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(96), 10);
        "/lib/ld.so"u8.CopyTo(image.AsSpan(176));
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(120), 4);
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(128), 192);
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(152), 32);
        (image[192], image[196], image[200]) = (4, 4, 4);
        "Go\0\0"u8.CopyTo(image.AsSpan(204));
        yield return image;
    }

    private static byte[] Block(uint type, byte[] body)
    {
        var block = new byte[12 + body.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(block, type);
        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(4), (uint)block.Length);
        body.CopyTo(block, 8);
        BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(block.Length - 4), (uint)block.Length);
        return block;
    }

    private static IEnumerable<byte[]> Texts(params string[] texts) => texts.Select(Encoding.UTF8.GetBytes);
}
