using System.Diagnostics;
using System.Globalization;
using System.Net;
using Lanyard.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Lanyard.Testing.Tests;

/// <summary>An application with Kestrel and HttpClient on 20 members, for an hour of virtual time.</summary>
[Collection(VirtualTimeCollection.Name)]
public sealed class HttpAppTests(ITestOutputHelper output)
{
    private const int Servers = 5;
    private const int Clients = 15;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task An_hour_of_twenty_members_with_loss_NATs_and_two_partitions_repeats_exactly()
    {
        var first = await RunAsync(seed: 2026);
        var second = await RunAsync(seed: 2026);
        output.WriteLine($"first {first}, second {second}");
        Assert.Equal(first with { RealTime = default }, second with { RealTime = default });
        // Ten members are cut off from the other ten for 7 of 60 minutes.
        Assert.InRange(first.Answered, first.Asked * 85 / 100, first.Asked - 1);
        Assert.Equal(first.AskedInTheEnd, first.AnsweredInTheEnd);
    }

    [Fact]
    public async Task Another_seed_makes_another_run()
    {
        var first = await RunAsync(seed: 1, minutes: 3);
        var second = await RunAsync(seed: 2, minutes: 3);
        Assert.NotEqual(first.Trace, second.Trace);
    }

    private static async Task<Outcome> RunAsync(ulong seed, int minutes = 60)
    {
        var start = Stopwatch.GetTimestamp();
        var internet = new SimulatedInternet(seed, new LinkOptions { Loss = 0.05 });
        var (asked, answered, askedInTheEnd, answeredInTheEnd, trace) = (0, 0, 0, 0, 0UL);
        await internet.RunAsync(async () =>
        {
            var time = internet.TimeProvider;
            var end = time.GetUtcNow() + TimeSpan.FromMinutes(minutes);
            await using var lan = await SimulatedLan.StartAsync(internet);
            var hosts = new List<SimulatedHost>();
            for (var i = 0; i < Servers + Clients; i++)
                hosts.Add(internet.AddHost(i % 2 == 0 ? null : internet.AddNat((NatKind)(i / 2 % 4))));
            var members = await Task.WhenAll(hosts.Select(host => lan.JoinAsync(host)));
            var apps = await Task.WhenAll(members.Take(Servers).Select(member => ServeAsync(member, time)));
            internet.Schedule(TimeSpan.FromMinutes(15), () => internet.Partition([.. hosts.Take(2), .. hosts.Skip(Servers).Take(8)]));
            internet.Schedule(TimeSpan.FromMinutes(17), internet.MendAll);
            internet.Schedule(TimeSpan.FromMinutes(40), () => internet.Partition([.. hosts.Skip(3)]));
            internet.Schedule(TimeSpan.FromMinutes(45), internet.MendAll);
            var clients = members.Skip(Servers).Select(member => new HttpClient(member.CreateHttpHandler()) { Timeout = Timeout.InfiniteTimeSpan }).ToArray();
            await Task.WhenAll(clients.Select((client, index) => AskAsync(client, members[Servers + index].Node.Address.ToString(), index, end)));

            // HttpClient closes its connections in an order that depends on the process: strings have other hash codes in each.
            trace = internet.TraceHash;
            foreach (var client in clients)
                client.Dispose();
            foreach (var app in apps)
            {
                await app.StopAsync();
                await app.DisposeAsync();
            }

            async Task AskAsync(HttpClient client, string caller, int index, DateTimeOffset until)
            {
                var random = new Random(index);
                while (time.GetUtcNow() < until)
                {
                    await Task.Delay(Interval, time);
                    var server = members[random.Next(Servers)].IPv4Address!;
                    var isInTheEnd = until - time.GetUtcNow() < TimeSpan.FromMinutes(5);
                    var size = random.Next(20_000);
                    asked++;
                    askedInTheEnd += isInTheEnd ? 1 : 0;
                    try
                    {
                        using var patience = new CancellationTokenSource(Patience, time);
                        using var response = await client.PostAsync(new Uri($"http://{server}/"), new ByteArrayContent(new byte[size]), patience.Token);
                        var text = await response.Content.ReadAsStringAsync(patience.Token);
                        Assert.Equal($"{caller} {size}", text);
                        answered++;
                        answeredInTheEnd += isInTheEnd ? 1 : 0;
                    }
                    catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
                    {
                        // Partitioned.
                    }
                }
            }
        });
        return new Outcome(asked, answered, askedInTheEnd, answeredInTheEnd, trace, Stopwatch.GetElapsedTime(start));
    }

    // Answers with the caller's node address and the size of the request.
    private static async Task<WebApplication> ServeAsync(LanyardNetwork member, TimeProvider time)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseLanyard(member, 80);
        var app = builder.Build();
        app.Run(async context =>
        {
            var size = 0;
            var buffer = new byte[4_096];
            for (int read; (read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0;)
                size += read;
            // Kestrel's own date is that of the system's clock.
            context.Response.Headers.Date = time.GetUtcNow().ToString("r", CultureInfo.InvariantCulture);
            await context.Response.WriteAsync($"{context.GetLanyardCaller()} {size}", context.RequestAborted);
        });
        await app.StartAsync();
        return app;
    }

    private sealed record Outcome(int Asked, int Answered, int AskedInTheEnd, int AnsweredInTheEnd, ulong Trace, TimeSpan RealTime);
}
