using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Lanyard.Service;

/// <summary>
/// A token of the API: the content of a file that only the service's user may read. The duration of a comparison depends only on the presented text,
/// not on the position of the first difference or the token's length.
/// </summary>
internal sealed class ApiToken
{
    /// <summary>The file in the service's folder with the token for all requests.</summary>
    public const string FileName = "authtoken.secret";

    /// <summary>The file with the token for reading metrics only.</summary>
    public const string MetricsFileName = "metricstoken.secret";

    private const int Length = 24;
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";

    private readonly byte[] _digest;

    private ApiToken(string token) => _digest = Digest(token);

    /// <summary>Returns the token in a folder's token file. Creates a new token if the file is missing or empty (a full disk leaves an empty file).</summary>
    /// <exception cref="LanyardStateException">The file cannot be read or created.</exception>
    public static ApiToken LoadOrCreate(string home, ILogger logger, string fileName = FileName)
    {
        var path = Path.Combine(home, fileName);
        var token = StateFile.TryReadText(path)?.Trim();
        if (token is { Length: > 0 })
            return new ApiToken(token);
        var made = RandomNumberGenerator.GetString(Alphabet, Length);
        if (token is null)
        {
            StateFiles.Create(path, made);
        }
        else
        {
            StateFiles.Write(path, made);
            ServiceLog.TokenMade(logger, path);
        }

        return new ApiToken(made);
    }

    /// <summary>Returns whether a text is the token.</summary>
    public bool Matches([NotNullWhen(true)] string? shown) =>
        shown is not null && CryptographicOperations.FixedTimeEquals(Digest(shown), _digest);

    private static byte[] Digest(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
