using Lanyard.Primitives;

namespace Lanyard.Proxies.Tests;

public sealed class DuplexRelayTests
{
    [Fact]
    public async Task A_failure_resets_both_ends_and_is_reported()
    {
        using var client = new End();
        using var other = new End();
        var relaying = DuplexRelay.RunAsync(client, other);
        other.Fail(new InvalidOperationException("first"));
        Assert.Equal("first", (await Assert.ThrowsAsync<InvalidOperationException>(() => relaying)).Message);
        Assert.True(client.IsAborted && other.IsAborted);
    }

    [Fact]
    public async Task An_end_of_one_direction_leaves_the_other_open()
    {
        using var client = new End();
        using var other = new End();
        var relaying = DuplexRelay.RunAsync(client, other);
        client.Finish();
        Assert.True(other.IsFinished);
        Assert.False(client.IsFinished || relaying.IsCompleted);
        other.Finish();
        await relaying;
        Assert.True(client.IsFinished);
        Assert.False(client.IsAborted || other.IsAborted);
    }

    /// <summary>Says nothing until it ends.</summary>
    private sealed class End : StreamEnd
    {
        private readonly TaskCompletionSource<int> _reading = new();

        public bool IsFinished { get; private set; }

        public bool IsAborted { get; private set; }

        public override InetEndpoint Local => default;

        public override InetEndpoint Remote => default;

        public void Finish() => _reading.SetResult(0);

        public void Fail(Exception failure) => _reading.SetException(failure);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer) => new(_reading.Task);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer) => default;

        public override void ShutdownSend() => IsFinished = true;

        public override void Abort()
        {
            IsAborted = true;
            _reading.TrySetException(new ObjectDisposedException(nameof(End)));
        }

        public override void Dispose() => _reading.TrySetCanceled();
    }
}
