using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Lanyard.Service;

namespace Lanyard.Cli.Daemon;

/// <summary>
/// Speaks to a running service, ours or another node's, over its local JSON API. Its folder says where it is and lets one in. The token goes over connections only whose
/// other end may have it: see <see cref="ApiConnection"/>.
/// </summary>
internal sealed class LocalApiClient : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http;

    /// <summary>Reads where the service of a folder is. It is not spoken to yet.</summary>
    /// <exception cref="CommandException">The folder does not say.</exception>
    public LocalApiClient(string home)
    {
        var port = Read(home, ApiConnection.PortFileName, "No service runs on this folder. Start one with 'lanyard service', or name another folder with --home.");
        var token = Read(home, ApiConnection.TokenFileName, "Only who may read this file may use the service: try as the user that runs it.");
        if (!ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number == 0)
            throw new CommandException(ExitCode.Failed, $"'{Path.Combine(home, ApiConnection.PortFileName)}' holds no port number.");
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            // Nowhere else.
            AllowAutoRedirect = false,
            ConnectCallback = (_, cancellation) => ApiConnection.ConnectAsync(home, number, cancellation),
        };
        _http = new HttpClient(handler) { BaseAddress = new Uri($"http://127.0.0.1:{number}"), Timeout = Timeout };
        _http.DefaultRequestHeaders.TryAddWithoutValidation("X-ZT1-Auth", token);
    }

    /// <summary>Asks for something.</summary>
    /// <exception cref="CommandException">The service does not answer, or refuses.</exception>
    public Task<JsonElement> GetAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Get, path, null, cancellationToken);

    /// <summary>Asks for something that is no JSON; null where the service has no such thing.</summary>
    /// <exception cref="CommandException">The service does not answer.</exception>
    public async Task<string?> TryGetTextAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _http.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
            return response.StatusCode == HttpStatusCode.OK ? await response.Content.ReadAsStringAsync(cancellationToken) : null;
        }
        catch (HttpRequestException failure)
        {
            throw Silent(failure);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw TooSlow();
        }
    }

    /// <summary>Has something made or changed.</summary>
    /// <exception cref="CommandException">The service does not answer, or refuses.</exception>
    public Task<JsonElement> PostAsync(string path, string json, CancellationToken cancellationToken) => SendAsync(HttpMethod.Post, path, json, cancellationToken);

    /// <summary>Has something removed.</summary>
    /// <exception cref="CommandException">The service does not answer, or refuses.</exception>
    public Task<JsonElement> DeleteAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Delete, path, null, cancellationToken);

    public void Dispose() => _http.Dispose();

    private async Task<JsonElement> SendAsync(HttpMethod method, string path, string? json, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path);
        if (json is not null)
            request.Content = new StringContent(json, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        try
        {
            using var response = await _http.SendAsync(request, cancellationToken);
            var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            if (response.StatusCode != HttpStatusCode.OK)
                throw new CommandException(response.StatusCode == HttpStatusCode.Unauthorized ? ExitCode.Unreachable : ExitCode.Failed, Explain(response.StatusCode, body));
            using var document = JsonDocument.Parse(body);
            return document.RootElement.Clone();
        }
        catch (HttpRequestException failure)
        {
            throw Silent(failure);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw TooSlow();
        }
        catch (JsonException)
        {
            throw new CommandException(ExitCode.Failed, $"What answers at {_http.BaseAddress!.Authority} is no such service: its answer is not JSON.");
        }
    }

    private CommandException Silent(HttpRequestException failure) => new(ExitCode.Unreachable, failure.InnerException is UntrustedListenerException untrusted
        ? untrusted.Message
        : $"The service at {_http.BaseAddress!.Authority} does not answer: {failure.Message} Is it still running?");

    private CommandException TooSlow() =>
        new(ExitCode.Unreachable, $"The service at {_http.BaseAddress!.Authority} did not answer within {Timeout.TotalSeconds} s.");

    private static string Explain(HttpStatusCode status, byte[] body)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"The service answers with status {(int)status}.");
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.String
                ? error.GetString()!
                : text;
        }
        catch (JsonException)
        {
            return text;
        }
    }

    private static string Read(string home, string name, string advice)
    {
        var path = Path.Combine(home, name);
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.Unreachable, $"'{path}' cannot be read. {advice}");
        }
    }
}
