using System.Net.NetworkInformation;
using System.Text;
using Lanyard.AspNetCore;
using Lanyard.NetStack;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Lanyard.Tests;

public sealed class KestrelTests
{
    [Fact]
    public async Task HttpClient_reaches_Kestrel_over_the_lan_by_every_kind_of_host()
    {
        await using var pair = await Pair.StartAsync();
        await using var app = await ServeAsync(pair.B, app => app.MapGet("/", () => "welcome"));
        using var client = new HttpClient(pair.A.CreateHttpHandler());
        foreach (var host in (string[])[$"{pair.B.IPv4Address}", $"[{pair.B.IPv6Address}]", $"{pair.B.Node.Address}.{pair.B.Id}"])
            Assert.Equal("welcome", await client.GetStringAsync(new Uri($"http://{host}:80/"), TestLan.Guard));
    }

    [Fact]
    public async Task No_port_of_the_machine_is_opened()
    {
        await using var pair = await Pair.StartAsync();
        await using var app = await ServeAsync(pair.B, app => app.MapGet("/", () => "welcome"), port: 18_765);
        Assert.DoesNotContain(IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners(), e => e.Port == 18_765);
        Assert.Equal([$"http://{pair.B.Id}:18765"], app.Urls);
    }

    [Fact]
    public async Task A_request_says_which_node_is_calling()
    {
        await using var pair = await Pair.StartAsync();
        await using var app = await ServeAsync(pair.B, app => app.MapGet("/", (HttpContext context) =>
            $"{context.GetLanyardCaller()} {context.Connection.RemoteIpAddress} "
                + $"{context.Features.Get<ILanyardConnectionFeature>()!.Network.Id}"));
        using var client = new HttpClient(pair.A.CreateHttpHandler());
        Assert.Equal($"{pair.A.Node.Address} {pair.A.IPv4Address} {pair.B.Id}",
            await client.GetStringAsync(new Uri($"http://{pair.B.IPv4Address}/"), TestLan.Guard));
    }

    [Fact]
    public async Task Large_bodies_go_both_ways()
    {
        await using var pair = await Pair.StartAsync();
        await using var app = await ServeAsync(pair.B, app => app.MapPost("/echo", async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            await context.Response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length));
        }));
        using var client = new HttpClient(pair.A.CreateHttpHandler());
        var body = new byte[8 << 20];
        new Random(5).NextBytes(body);
        using var response = await client.PostAsync(new Uri($"http://{pair.B.IPv4Address}/echo"), new ByteArrayContent(body),
            TestLan.Guard);
        Assert.Equal(body, await response.Content.ReadAsByteArrayAsync(TestLan.Guard));
    }

    [Fact]
    public async Task A_server_that_does_not_read_makes_the_sender_wait()
    {
        await using var pair = await Pair.StartAsync();
        var release = new TaskCompletionSource();
        await using var app = await ServeAsync(pair.B, app => app.MapPost("/", async context =>
        {
            await release.Task;
            var buffer = new byte[65_536];
            var total = 0L;
            for (int read; (read = await context.Request.Body.ReadAsync(buffer)) > 0;)
                total += read;
            await context.Response.WriteAsync($"{total}");
        }));
        await using var stream = await pair.A.ConnectAsync($"{pair.B.IPv4Address}", 80, TestLan.Guard);
        const int length = 16 << 20;
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST / HTTP/1.1\r\nHost: b\r\nContent-Length: {length}\r\nConnection: "
            + "close\r\n\r\n"), TestLan.Guard);
        var sending = stream.WriteAsync(new byte[length], TestLan.Guard).AsTask();
        // All the room there is on the way is full at some time; then nothing moves.
        long before;
        do
        {
            before = stream.Info.BytesAcknowledged;
            await Task.Delay(200, TestLan.Guard);
        }
        while (stream.Info.BytesAcknowledged != before);
        Assert.False(sending.IsCompleted);
        release.SetResult();
        await sending;
        using var reader = new StreamReader(stream);
        Assert.Contains($"{length}", await reader.ReadToEndAsync(TestLan.Guard), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_aborted_request_resets_the_connection()
    {
        await using var pair = await Pair.StartAsync();
        await using var app = await ServeAsync(pair.B, app => app.MapGet("/", context =>
        {
            context.Abort();
            return Task.CompletedTask;
        }));
        await using var stream = await pair.A.ConnectAsync($"{pair.B.IPv4Address}", 80, TestLan.Guard);
        await stream.WriteAsync("GET / HTTP/1.1\r\nHost: b\r\n\r\n"u8.ToArray(), TestLan.Guard);
        var error = await Assert.ThrowsAsync<LanyardSocketException>(async () => Assert.Equal(0, await stream.ReadAsync(new byte[64],
            TestLan.Guard)));
        Assert.Equal(NetError.ConnectionReset, error.Error);
    }

    [Fact]
    public async Task A_client_that_goes_away_cancels_its_request()
    {
        await using var pair = await Pair.StartAsync();
        var started = new TaskCompletionSource();
        var canceled = new TaskCompletionSource();
        await using var app = await ServeAsync(pair.B, app => app.MapGet("/", async (HttpContext context) =>
        {
            using var registration = context.RequestAborted.Register(canceled.SetResult);
            started.SetResult();
            await canceled.Task;
        }));
        var stream = await pair.A.ConnectAsync($"{pair.B.IPv4Address}", 80, TestLan.Guard);
        await stream.WriteAsync("GET / HTTP/1.1\r\nHost: b\r\n\r\n"u8.ToArray(), TestLan.Guard);
        await started.Task.WaitAsync(TestLan.Guard);
        stream.Abort();
        await canceled.Task.WaitAsync(TestLan.Guard);
    }

    [Fact]
    public async Task Stopping_lets_requests_finish()
    {
        await using var pair = await Pair.StartAsync();
        var started = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        var app = await ServeAsync(pair.B, app => app.MapGet("/", async () =>
        {
            started.SetResult();
            await release.Task;
            return "done";
        }));
        using var client = new HttpClient(pair.A.CreateHttpHandler());
        var asking = client.GetStringAsync(new Uri($"http://{pair.B.IPv4Address}/"), TestLan.Guard);
        await started.Task.WaitAsync(TestLan.Guard);
        var stopping = app.StopAsync(TestLan.Guard);
        release.SetResult();
        Assert.Equal("done", await asking);
        await stopping;
        await app.DisposeAsync();
        // Its port is free again.
        await using var next = await ServeAsync(pair.B, app => app.MapGet("/", () => "next"));
        using var another = new HttpClient(pair.A.CreateHttpHandler());
        Assert.Equal("next", await another.GetStringAsync(new Uri($"http://{pair.B.IPv4Address}/"), TestLan.Guard));
    }

    [Fact]
    public async Task An_application_starts_and_ends_its_node()
    {
        await using var lan = await TestLan.StartAsync();
        var caller = await lan.JoinAsync(1);
        lan.Controller.Authorize(TestIdentities.Get(2).Address);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddLanyard(options =>
        {
            options.Node = lan.Options(2);
            options.Networks.Add(lan.Network);
        });
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLanyard(80));
        await using var app = builder.Build();
        app.MapGet("/", (ILanyardAccessor accessor) => accessor.Node.Address.ToString());
        await app.StartAsync(TestLan.Guard);
        var node = app.Services.GetRequiredService<ILanyardAccessor>();
        using var client = new HttpClient(caller.CreateHttpHandler());
        Assert.Equal(node.Node.Address.ToString(), await client.GetStringAsync(new Uri($"http://{node.Network.IPv4Address}/"),
            TestLan.Guard));
        var health = await app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(TestLan.Guard);
        Assert.Equal(HealthStatus.Healthy, health.Entries["lanyard"].Status);
        await app.StopAsync(TestLan.Guard);
        Assert.Throws<ObjectDisposedException>(() => node.Node.Join(lan.Network));
    }

    private static async Task<WebApplication> ServeAsync(LanyardNetwork network, Action<WebApplication> map, int port = 80)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseLanyard(network, port);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        var app = builder.Build();
        map(app);
        await app.StartAsync(TestLan.Guard);
        return app;
    }
}
