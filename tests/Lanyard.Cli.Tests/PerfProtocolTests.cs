using Lanyard.Cli.Perf;

namespace Lanyard.Cli.Tests;

public sealed class PerfProtocolTests
{
    [Fact]
    public void A_request_reads_back_as_it_was_written()
    {
        var bytes = new byte[PerfRequest.Size];
        var request = new PerfRequest(PerfMode.Download, TimeSpan.FromMilliseconds(1234));
        request.Write(bytes);
        Assert.True(PerfRequest.TryRead(bytes, out var read));
        Assert.Equal(request, read);
    }

    [Fact]
    public void Other_bytes_are_no_request()
    {
        var good = new byte[PerfRequest.Size];
        new PerfRequest(PerfMode.Echo, PerfRequest.MaxDuration).Write(good);
        Assert.True(PerfRequest.TryRead(good, out _));
        Assert.False(PerfRequest.TryRead(good.AsSpan(1), out _));
        foreach (var at in new[] { 0, 3, 4, 8 })
        {
            var bad = (byte[])good.Clone();
            bad[at] ^= 0x80;
            Assert.False(PerfRequest.TryRead(bad, out _));
        }

        foreach (var mode in new byte[] { 0, 4, 255 })
        {
            var bad = (byte[])good.Clone();
            bad[5] = mode;
            Assert.False(PerfRequest.TryRead(bad, out _));
        }
    }
}
