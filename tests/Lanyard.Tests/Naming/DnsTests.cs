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

    [Fact]
    public async Task Without_a_domain_all_names_are_asked_for_if_that_is_allowed()
    {
        await using var lan = await TestLan.StartAsync();
        var server = await lan.JoinAsync(1);
        lan.Controller.Dns = new NetworkDns("", new[] { Pair.Address(server) }.ToEquatableArray());
        var client = await lan.JoinAsync(2);
        await using var dns = new DnsServer(server);
        dns.Add("example.org", Pair.Address(server));
        await FailsAsync(client, "example.org", LanyardNameFailure.NotOnNetwork);
        Assert.Equal(0, dns.Questions);
        client.Settings = client.Settings with { AllowDns = true };
        Assert.Equal([Pair.Address(server)], await client.ResolveAsync("example.org", TestLan.Guard));
    }

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

    private static async Task FailsAsync(LanyardNetwork network, string name, LanyardNameFailure failure) =>
        Assert.Equal(failure, (await Assert.ThrowsAsync<LanyardNameException>(async () => await network.ResolveAsync(name, TestLan.Guard))).Failure);
}
