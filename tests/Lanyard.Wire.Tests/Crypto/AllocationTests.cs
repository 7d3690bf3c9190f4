using Lanyard.Wire.Crypto;

namespace Lanyard.Wire.Tests.Crypto;

public sealed class AllocationTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1400)]
    [InlineData(10000)]
    public void Protecting_and_opening_a_packet_allocates_nothing(int length)
    {
        using var aes = new AesGmacSiv(new byte[32], new byte[32]);
        byte[] key = new byte[32], nonce = new byte[8], header = new byte[11], payload = new byte[length], tag = new byte[16];
        Run();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10; i++)
            Run();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Run()
        {
            aes.Encrypt(nonce, header, payload, tag);
            aes.TryDecrypt(tag, header, payload);
            Salsa20Poly1305.Seal(key, nonce, payload, tag);
            Salsa20Poly1305.TryOpen(key, nonce, payload, tag);
            Salsa20Poly1305.Authenticate(key, nonce, payload, tag);
        }
    }
}
