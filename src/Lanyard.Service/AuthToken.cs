using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Lanyard.Service;

/// <summary>
/// What a caller of the API has to show: the content of a file that only the service's user may read. Compared in a time that does not depend on where two tokens differ.
/// </summary>
internal sealed class AuthToken
{
    /// <summary>The file in the service's folder whose token allows everything.</summary>
    public const string FileName = "authtoken.secret";

    /// <summary>The file whose token allows reading metrics, and nothing else.</summary>
    public const string MetricsFileName = "metricstoken.secret";

    private const int Length = 24;
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly byte[] _token;

    private AuthToken(string token) => _token = Encoding.UTF8.GetBytes(token);

    /// <summary>The token in a file of a folder; a new one where there is none.</summary>
    /// <exception cref="LanyardStateException">The file cannot be read or made, or is empty.</exception>
    public static AuthToken LoadOrCreate(string home, string fileName = FileName)
    {
        var path = Path.Combine(home, fileName);
        var token = StateFiles.TryRead(path)?.Trim();
        if (token is null)
            Create(path, token = RandomNumberGenerator.GetString(Alphabet, Length));
        if (token.Length == 0)
            throw new LanyardStateException(path, $"The file '{path}' is empty. Delete it to have another token made.");
        if (!OperatingSystem.IsWindows())
            LockDown(path);
        return new AuthToken(token);
    }

    /// <summary>Whether this is the token.</summary>
    public bool Matches([NotNullWhen(true)] string? shown) =>
        shown is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(shown), _token);

    private static void Create(string path, string token)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        try
        {
            using var file = new FileStream(path, options);
            file.Write(Encoding.UTF8.GetBytes(token));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new LanyardStateException(path, $"The file '{path}' cannot be written: {failure.Message}", failure);
        }
    }

    /// <summary>Takes away from others what they may do with the file. One that belongs to somebody else is left as it is.</summary>
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    private static void LockDown(string path)
    {
        try
        {
            if ((File.GetUnixFileMode(path) & ~OwnerOnly) != 0)
                File.SetUnixFileMode(path, OwnerOnly);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
        }
    }
}
