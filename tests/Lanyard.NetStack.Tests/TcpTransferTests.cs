using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

public class TcpTransferTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Ten_megabytes_go_each_way_and_both_ends_close(bool v6)
    {
        var pair = new Pair();
        var (client, server) = Transfer.Start(pair, 10_000_000, 10_000_000, v6);
        Assert.True(pair.RunUntil(() => client.Closed && server.Apps is [{ Closed: true }]));
        Transfer.CheckClean(client, 10_000_000, 10_000_000);
        Transfer.CheckClean(server.Apps[0], 10_000_000, 10_000_000);
    }

    [Theory]
    [InlineData(0, 0, 0, 0)]
    [InlineData(0.01, 0, 0, 0)]
    [InlineData(0.05, 0, 0, 0)]
    [InlineData(0, 0.1, 0, 0)]
    [InlineData(0, 0, 0.05, 0)]
    [InlineData(0, 0, 0, 0.02)]
    [InlineData(0.02, 0.05, 0.02, 0.02)]
    public void Every_byte_arrives_over_a_bad_link(double loss, double reorder, double duplicate, double corrupt)
    {
        for (var seed = 1; seed <= 4; seed++)
        {
            var link = new LinkOptions { Delay = 5_000, Loss = loss, Reorder = reorder, Duplicate = duplicate, Corrupt = corrupt };
            var pair = new Pair(link, seed);
            var (client, server) = Transfer.Start(pair, 2_000_000, 1_000_000, v6: seed % 2 == 0);
            Assert.True(pair.RunUntil(() => client.Closed && server.Apps is [{ Closed: true }], 300_000_000), $"seed {seed} stalled");
            Transfer.CheckClean(client, 2_000_000, 1_000_000);
            Transfer.CheckClean(server.Apps[0], 1_000_000, 2_000_000);
        }
    }
}

/// <summary>Sets up a transfer between the hosts of a pair.</summary>
internal static class Transfer
{
    public const ushort Port = 5000;

    public static (StreamApp Client, AcceptAll Server) Start(Pair pair, long up, long down, bool v6 = false, TcpOptions? options = null,
        Action<StreamApp>? setup = null)
    {
        var server = new AcceptAll(() =>
        {
            var app = new StreamApp(() => pair.Now, down, sendSeed: 2, expectSeed: 1, seed: 7);
            setup?.Invoke(app);
            return app;
        });
        Assert.Equal(NetError.None, pair.B.ListenTcp(new InetEndpoint(default, Port), server, out _, options: options));
        var client = new StreamApp(() => pair.Now, up);
        setup?.Invoke(client);
        Assert.Equal(NetError.None, pair.A.ConnectTcp(pair.Now, new InetEndpoint(v6 ? Pair.B6 : Pair.B4, Port), client,
            out var connection, options: options));
        client.Attach(connection!);
        return (client, server);
    }

    public static void CheckClean(StreamApp app, long sent, long received)
    {
        Assert.Equal(NetError.None, app.Reason);
        Assert.False(app.Corrupted);
        Assert.Equal(sent, app.Sent);
        Assert.Equal(received, app.Received);
        Assert.True(app.Ended);
    }
}
