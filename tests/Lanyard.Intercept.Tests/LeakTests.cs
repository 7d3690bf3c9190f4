namespace Lanyard.Intercept.Tests;

/// <summary>Many connections leave nothing behind in services with little memory for objects.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class LeakTests(LeakTests.SmallLan lan) : IClassFixture<LeakTests.SmallLan>
{
    private const long MaxGrowthKiB = 32 * 1024;

    [Fact]
    public async Task Thousands_of_opens_and_closes_leave_nothing_behind()
    {
        lan.Require("python3");
        const string Server = """
            import socket
            s = socket.create_server(("0.0.0.0", 8104), backlog=512)
            while True:
                c = s.accept()[0]
                c.sendall(c.recv(100))
                c.close()
            """;
        const string Client = """
            import socket
            for i in range(COUNT):
                s = socket.create_connection(("ADDRESS", 8104), 30)
                s.sendall(b"x" * 100)
                assert s.recv(200) == b"x" * 100
                s.close()
            print("done")
            """;
        await using var server = await lan.ServeAsync(8104, "python3", "-c", Server);
        async Task OpenAsync(int count)
        {
            var script = Client.Replace("ADDRESS", lan.Address("b"), StringComparison.Ordinal).Replace("COUNT", $"{count}", StringComparison.Ordinal);
            var (code, output) = await lan.RunAsync("a", "python3", "-c", script);
            Assert.True(code == 0, output);
        }

        // What is opened first fills what is kept: connections in TIME_WAIT, code that is compiled anew. Memory goes up and down as it is collected,
        // but not far: objects that nobody gives back would end the services at their limit, and other memory shows.
        var isFullLength = Environment.GetEnvironmentVariable("LANYARD_FULL_LENGTH") == "1";
        var began = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < (isFullLength ? 8 : 2); i++)
            await OpenAsync(5_000);
        var descriptors = Descriptors();
        var readings = new List<long>();
        do
        {
            await OpenAsync(5_000);
            await ProgramLan.UntilAsync(() => Descriptors() <= descriptors + 20, () => $"{Descriptors()} descriptors, and {descriptors} before");
            readings.Add(Memory());
            TestContext.Current.SendDiagnosticMessage($"{Descriptors()} descriptors, {readings[^1]} KiB");
        }
        while (readings.Count < 2 || (isFullLength && TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromHours(1)));
        var some = Math.Clamp(readings.Count / 10, 1, 25);
        var (before, after) = (Median(readings.Take(some)), Median(readings.TakeLast(some)));
        TestContext.Current.SendDiagnosticMessage($"{readings.Count * 5_000} connections, {before} KiB at first, {after} KiB in the end");
        Assert.True(after <= before + MaxGrowthKiB, $"{after} KiB, and {before} before");

        int Descriptors() => lan.CountDescriptors("a") + lan.CountDescriptors("b");
        long Memory() => lan.OwnKiB("a") + lan.OwnKiB("b");
        static long Median(IEnumerable<long> values) => values.Order().ElementAt(values.Count() / 2);
    }

    /// <summary>Of services with little room for objects.</summary>
    public sealed class SmallLan : ProgramLan
    {
        protected override int? HeapMiB => 64;
    }
}
