using System.Text;
using Lanyard.Wire;
using Microsoft.Extensions.Logging;

namespace Lanyard;

/// <summary>Loads the node's identity from the options or the store, or generates it.</summary>
internal static class IdentityLoader
{
    /// <summary>Returns the identity, and stores it if it is new.</summary>
    /// <exception cref="LanyardStateException">The stored identity is invalid, or differs from the identity of the options.</exception>
    /// <exception cref="ArgumentException">The identity of the options has no secret key.</exception>
    public static async Task<Identity> LoadAsync(
        LanyardOptions options, ILanyardStore store, ILogger logger, CancellationToken cancellationToken)
    {
        if (options.Identity is { HasSecret: false })
            throw new ArgumentException("LanyardOptions.Identity has only a public key. Set an identity with its secret key.", nameof(options));
        var kept = Load(store);
        if (kept is null)
        {
            kept = options.Identity ?? await GenerateAsync(options, logger, cancellationToken).ConfigureAwait(false);
            store.Save(StateNames.SecretIdentity, Encoding.ASCII.GetBytes(kept.ToSecretString()));
        }
        else if (options.Identity is { } given && !given.Equals(kept))
        {
            var name = PathOf(store, StateNames.SecretIdentity);
            throw new LanyardStateException(name, $"'{name}' contains identity {kept.Address}, but LanyardOptions.Identity is "
                + $"{given.Address}. Use another folder, or omit the option.");
        }

        var text = Encoding.ASCII.GetBytes(kept.ToString());
        if (store.Load(StateNames.PublicIdentity) is not { } kept2 || !Trim(kept2).SequenceEqual(text))
            store.Save(StateNames.PublicIdentity, text);
        return kept;
    }

    public static string PathOf(ILanyardStore store, string name) =>
        store is LanyardFolderStore folder ? System.IO.Path.Combine(folder.Directory, name) : name;

    private static Identity? Load(ILanyardStore store)
    {
        if (store.Load(StateNames.SecretIdentity) is not { } bytes)
            return null;
        var name = PathOf(store, StateNames.SecretIdentity);
        if (!Identity.TryParse(Encoding.ASCII.GetString(bytes), out var identity))
            throw new LanyardStateException(name, $"'{name}' is not an identity. Restore the file from a backup. Or move it away; the node "
                + "then generates a new identity at the next start.");
        if (!identity.HasSecret)
            throw new LanyardStateException(name, $"'{name}' contains only the public key of identity {identity.Address}. Restore the "
                + "file from a backup.");
        if (!identity.Validate())
            throw new LanyardStateException(name, $"'{name}' is damaged: its keys do not match its address {identity.Address}. Restore "
                + "the file from a backup.");
        return identity;
    }

    private static async Task<Identity> GenerateAsync(LanyardOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        var attempts = new Attempts(options.IdentityProgress);
        var making = Task.Run(() => Identity.Generate(bytes => options.RandomNumberGenerator.GetBytes(bytes), attempts, cancellationToken), cancellationToken);
        var identity = await making.ConfigureAwait(false);
        Log.MadeIdentity(logger, identity.Address, attempts.Count);
        return identity;
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text)
    {
        while (text.Length > 0 && text[^1] is (byte)'\n' or (byte)'\r' or (byte)' ')
            text = text[..^1];
        return text;
    }

    private sealed class Attempts(IProgress<int>? progress) : IProgress<int>
    {
        public int Count { get; private set; }

        public void Report(int value)
        {
            Count = value;
            progress?.Report(value);
        }
    }
}
