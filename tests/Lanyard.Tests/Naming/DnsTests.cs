using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Tests.Naming;

public sealed class DnsTests
{
    [Fact]
    public async Task Names_of_the_networks_domain_are_asked_for_on_the_network()
    {
        await using var lan = await TestLan.StartAsync();
        var server = await lan.JoinAsync(1);
        lan.Controller.Dns = new NetworkDns("lan.test", new[] { Pair.Address(server) }.ToEquatableArray());
        var client = await lan.JoinAsync(2);
        client.Settings = client.Settings with { AllowDns = true };
        await using var dns = new DnsServer(server) { Confuses = true };
        var v6 = InetAddress.FromIPAddress(server.IPv6Address!);
        dns.Add("both.lan.test", Pair.Address(server), v6);
        dns.Add("four.lan.test", Pair.Address(server));
        dns.AddAlias("alias.lan.test", "four.lan.test");
        dns.AddAlias("loop.lan.test", "loop.lan.test");

        Assert.Equal([v6, Pair.Address(server)], (await client.ResolveAsync("both.lan.test", TestLan.Guard)).OrderByDescending(a => a.IsV6));
        Assert.Equal([Pair.Address(server)], await client.ResolveAsync("FOUR", TestLan.Guard));
        Assert.Equal([Pair.Address(server)], await client.ResolveAsync("alias.lan.test.", TestLan.Guard));
        Assert.Equal([Pair.Address(server)], await client.ResolveAsync("10.77.0.1", TestLan.Guard));
        Assert.Equal([v6], (await client.ResolveAsync(server.Node.Address.ToString(), TestLan.Guard)).Where(a => a == v6));

        await FailsAsync(client, "none.lan.test", LanyardNameFailure.NotFound);
        await FailsAsync(client, "loop.lan.test", LanyardNameFailure.NotFound);
        await FailsAsync(client, "example.org", LanyardNameFailure.NotOnNetwork);
        await FailsAsync(client, "localhost", LanyardNameFailure.NotOnNetwork);
        await FailsAsync(client, "bad name", LanyardNameFailure.NotOnNetwork);

        // A connection by name, and an answer that only fits into TCP.
        dns.Truncates = true;
        using var listener = server.Listen(80);
        var accepting = listener.AcceptAsync(TestLan.Guard);
        await using var stream = await client.ConnectAsync("both.lan.test", 80, TestLan.Guard);
        await using var accepted = await accepting;
        Assert.Equal(80, stream.RemoteEndPoint.Port);
    }

    [Theory]
    [InlineData("")]
    [InlineData("org")]
    [InlineData("co.uk")]
    public async Task DNS_servers_without_a_domain_are_not_queried(string domain)
    {
        await using var lan = await TestLan.StartAsync();
        var server = await lan.JoinAsync(1);
        lan.Controller.Dns = new NetworkDns(domain, new[] { Pair.Address(server) }.ToEquatableArray());
        var client = await lan.JoinAsync(2);
        client.Settings = client.Settings with { AllowDns = true };
        await using var dns = new DnsServer(server);
        dns.Add("example.org", Pair.Address(server));
        await FailsAsync(client, "example.org", LanyardNameFailure.NotOnNetwork);
        await FailsAsync(client, "example", LanyardNameFailure.NotOnNetwork);
        Assert.Null(client.Dns);
        Assert.Equal(0, dns.Questions);
    }

    [Theory]
    [InlineData("lan.test", true)]
    [InlineData("lan", true)]
    [InlineData("Corp.Internal.", true)]
    [InlineData("home.arpa", true)]
    [InlineData("office.home.arpa", true)]
    [InlineData("local", true)]
    [InlineData("example.com", true)]
    [InlineData("example.co.uk", true)]
    [InlineData("vpn.example.de", true)]
    [InlineData("com", false)]
    [InlineData("uk", false)]
    [InlineData("CO.UK.", false)]
    [InlineData("com.au", false)]
    [InlineData("or.jp", false)]
    [InlineData("github.io", false)]
    [InlineData("arpa", false)]
    [InlineData("10.in-addr.arpa", false)]
    [InlineData("in-addr.arpa", false)]
    [InlineData("localhost", false)]
    [InlineData("x.localhost", false)]
    [InlineData("onion", false)]
    [InlineData("a b.example.com", false)]
    [InlineData("\u001b[2J.example.com", false)]
    [InlineData(".", false)]
    public void A_domain_belongs_to_its_network_unless_it_is_a_public_suffix(string domain, bool isTaken) =>
        Assert.Equal(isTaken, DnsDomains.Refuses(domain) is null);

    [Fact]
    public void Hostile_answers_are_answered_by_no()
    {
        var random = new Random(13);
        Assert.True(DnsName.TryEncode("a.lan.test", out var name));
        var message = new byte[120];
        var length = DnsMessage.WriteQuery(message, 7, name, DnsRecordType.A);
        message[2] = 0x81;
        message[7] = 2;
        byte[] records = [0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, (byte)'b', 0xc0, 14, 0xc0, 40, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 1];
        records.CopyTo(message.AsSpan(length));
        length += records.Length;
        Assert.True(DnsMessage.TryParseAnswer(message.AsSpan(0, length), 7, name, DnsRecordType.A, out var right));
        Assert.Equal([InetAddress.Parse("10.0.0.1")], right!.Addresses);
        Assert.False(DnsMessage.TryParseAnswer(message.AsSpan(0, length), 8, name, DnsRecordType.A, out _));
        Assert.False(DnsMessage.TryParseAnswer(message.AsSpan(0, length), 7, name, DnsRecordType.Aaaa, out _));
        for (var i = 0; i < 200_000; i++)
        {
            var bytes = message.AsSpan(0, length).ToArray();
            for (var changes = random.Next(1, 5); changes > 0; changes--)
                bytes[random.Next(4, bytes.Length)] = (byte)(random.Next(3) == 0 ? 0xc0 : random.Next(256));
            DnsMessage.TryParseAnswer(bytes.AsSpan(0, random.Next(2) == 0 ? bytes.Length : random.Next(bytes.Length)), 7, name, DnsRecordType.A, out _);
        }
    }

    [Fact]
    public async Task Answers_and_denials_are_kept_for_as_long_as_the_server_says()
    {
        await using var lan = await TestLan.StartAsync();
        var server = await lan.JoinAsync(1);
        lan.Controller.Dns = new NetworkDns("lan.test", new[] { Pair.Address(server) }.ToEquatableArray());
        var client = await lan.JoinAsync(2);
        client.Settings = client.Settings with { AllowDns = true };
        await using var dns = new DnsServer(server) { DenialSeconds = 200 };
        dns.Add("kept.lan.test", Pair.Address(server));
        dns.AddAlias("alias.lan.test", "kept.lan.test");
        Assert.Equal([Pair.Address(server)], await client.ResolveAsync("kept.lan.test", TestLan.Guard));
        await FailsAsync(client, "none.lan.test", LanyardNameFailure.NotFound);
        Assert.Equal([Pair.Address(server)], await client.ResolveAsync("alias.lan.test", TestLan.Guard));
        var asked = dns.Questions;
        dns.Add("kept.lan.test", InetAddress.Parse("10.77.0.250"));
        dns.Add("none.lan.test", InetAddress.Parse("10.77.0.250"));
        foreach (var name in new[] { "kept.lan.test", "KEPT", "kept.lan.test.", "alias" })
            Assert.Equal([Pair.Address(server)], await client.ResolveAsync(name, TestLan.Guard));
        await FailsAsync(client, "none", LanyardNameFailure.NotFound);
        Assert.Equal(asked, dns.Questions);

        // Answers with a lifetime of 0, and denials without a lifetime, are not cached.
        dns.Seconds = 0;
        dns.Add("now.lan.test", Pair.Address(server), InetAddress.FromIPAddress(server.IPv6Address!));
        dns.DenialSeconds = null;
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(2, (await client.ResolveAsync("now.lan.test", TestLan.Guard)).Count);
            await FailsAsync(client, "never.lan.test", LanyardNameFailure.NotFound);
        }

        Assert.Equal(asked + 8, dns.Questions);

        // A changed DNS configuration clears the cache.
        lan.Controller.Dns = new NetworkDns("lan.test", new[] { Pair.Address(server), InetAddress.Parse("10.77.0.99") }.ToEquatableArray());
        lan.Root.Send(ControllerMessage.Push(client.Node.Address, lan.Controller.ConfigFor(lan.Root.Status.ClockMs, client.Node.Identity)));
        while (client.Dns?.Servers.Count != 2)
            await Task.Delay(5, TestLan.Guard);
        Assert.Equal([InetAddress.Parse("10.77.0.250")], await client.ResolveAsync("kept.lan.test", TestLan.Guard));
    }

    [Fact]
    public void The_cache_drops_expired_entries_and_stays_within_its_limit()
    {
        var now = 1_000L;
        var cache = new DnsCache(() => now);
        var dns = new NetworkDns("lan.test", new[] { InetAddress.Parse("10.0.0.1") }.ToEquatableArray());
        InetAddress[] addresses = [InetAddress.Parse("10.0.0.2")];
        cache.Keep(dns, "a", addresses, 10);
        cache.Keep(dns, "b", [], uint.MaxValue);
        cache.Keep(dns, "c", addresses, 0);
        now += 9;
        Assert.Equal(addresses, cache.Find(dns, "a"));
        Assert.Equal([], cache.Find(dns, "b")!);
        Assert.Null(cache.Find(dns, "c"));
        now++;
        Assert.Null(cache.Find(dns, "a"));
        now += DnsCache.MaxSeconds;
        Assert.Null(cache.Find(dns, "b"));
        for (uint i = 0; i < 2 * DnsCache.MaxNames; i++)
            cache.Keep(dns, $"n{i}", addresses, i + 1);
        Assert.Equal(DnsCache.MaxNames, cache.Count);
        Assert.Null(cache.Find(dns, "n0"));
        Assert.Equal(addresses, cache.Find(dns, $"n{(2 * DnsCache.MaxNames) - 1}"));
        Assert.Null(cache.Find(dns with { Domain = "other.test" }, $"n{(2 * DnsCache.MaxNames) - 1}"));
        Assert.Equal(0, cache.Count);
    }

    [Fact]
    public async Task An_absent_member_is_detected_when_its_address_is_not_resolved()
    {
        await using var lan = await TestLan.StartAsync();
        var client = await lan.JoinAsync(1, lan.Options(1) with { Tcp = new NetStack.TcpOptions { ConnectTimeout = TimeSpan.FromHours(1) } });
        var error = await Assert.ThrowsAsync<LanyardSocketException>(async () => await client.ConnectAsync("10.77.0.250", 80, TestLan.Guard));
        Assert.Equal(NetStack.NetError.HostUnreachable, error.Error);
    }

    private static async Task FailsAsync(LanyardNetwork network, string name, LanyardNameFailure failure) =>
        Assert.Equal(failure, (await Assert.ThrowsAsync<LanyardNameException>(async () => await network.ResolveAsync(name, TestLan.Guard))).Failure);
}
